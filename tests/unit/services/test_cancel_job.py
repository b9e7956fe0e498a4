"""Cancellation: the response reports which change was written first, and cancelled jobs are never processed."""

from collections.abc import Callable
from copy import replace

import pytest

from tests.builders import ANOTHER_USER, a_cancelled_job, a_job, a_started_job, a_waiting_job, an_output
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound, Unavailable
from videojobs.domain.job import JobStatus, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.ports.videos import Submission
from videojobs.services.read_job import TRIES


def cancel_at(system: InMemorySystem, job: VideoJob, *, save: int) -> list[VideoJob]:
    """Cancel the job right before the n-th save by another worker; the returned list receives the cancelled job."""
    responses: list[VideoJob] = []
    saves = 0

    def before_save(*_: VideoJob) -> None:
        nonlocal saves
        saves += 1
        if saves == save:
            system.jobs.before_save = None
            responses.append(system.cancel(job.id))

    system.jobs.before_save = before_save
    return responses


def test_cancelling_a_queued_job_leaves_no_step() -> None:
    system = InMemorySystem()
    job = system.submit()
    cancelled = system.cancel(job.id)
    assert (cancelled.status, cancelled.next) == (JobStatus.CANCELLED, None)
    assert [message.step for message in system.queue.sent] == [Step.START]
    assert [job.version for _, job in system.notifier.published] == [1, 2]


def test_a_job_cancelled_while_queued_is_never_started() -> None:
    system = InMemorySystem()
    job = system.submit()
    system.cancel(job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.CANCELLED
    assert system.provider.tokens == []


def test_a_started_job_is_cancelled_and_cleaned_up() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job())
    cancelled = system.cancel(message.job_id)
    assert cancelled.status is JobStatus.CANCELLED
    assert [sent.step for sent in system.queue.sent] == [Step.CLEAN_UP]
    system.run()
    clean = system.jobs.get(message.job_id)
    assert (clean.status, clean.next, clean.provider) == (JobStatus.CANCELLED, None, None)
    assert system.provider.cancelled == ["task-1"]


def test_cancelling_a_job_twice_returns_the_same_job_and_changes_nothing() -> None:
    system = InMemorySystem()
    job = system.submit()
    cancelled = system.cancel(job.id)
    stored = system.jobs.get(job.id)
    assert replace(system.cancel(job.id), outbox=cancelled.outbox) == cancelled
    assert system.jobs.get(job.id) == stored


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_an_ended_job_cannot_be_cancelled(status: JobStatus) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_job(status=status, next=None))
    with pytest.raises(JobConflict, match=f"already {status}"):
        system.cancel(job.id)
    assert system.jobs.get(job.id) == job


def test_a_user_cannot_cancel_the_job_of_another_user() -> None:
    system = InMemorySystem()
    job = system.submit()
    with pytest.raises(JobForbidden):
        system.cancel(job.id, user_id=ANOTHER_USER)
    assert system.jobs.get(job.id) == job


def test_cancelling_an_unknown_job_raises_job_not_found() -> None:
    system = InMemorySystem()
    with pytest.raises(JobNotFound):
        system.cancel(system.jobs.new_id())


class TestRaces:
    def test_a_cancel_that_is_written_before_the_finish_wins(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.FINISH, output=an_output(size_bytes=4)))
        system.store.objects["videos/1/1.mp4"] = b"four"
        responses = cancel_at(system, system.jobs.get(message.job_id), save=1)
        assert system.deliver(message).status is JobStatus.CANCELLED
        assert [response.status for response in responses] == [JobStatus.CANCELLED]

    def test_a_cancel_after_the_finish_raises_a_conflict(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.FINISH, output=an_output(size_bytes=4)))
        system.store.objects["videos/1/1.mp4"] = b"four"

        def finish_first(*_: VideoJob) -> None:
            system.jobs.before_save = None
            system.deliver(message)

        system.jobs.before_save = finish_first
        with pytest.raises(JobConflict, match="already completed"):
            system.cancel(message.job_id)
        assert system.jobs.get(message.job_id).status is JobStatus.COMPLETED

    def test_a_job_is_cancelled_although_a_worker_saves_a_step_first(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())

        def claim_first(*_: VideoJob) -> None:
            system.jobs.before_save = None
            system.crash_worker(message)

        system.jobs.before_save = claim_first
        assert system.cancel(message.job_id).status is JobStatus.CANCELLED

    def test_a_job_that_changes_during_every_try_is_not_cancelled_and_raises_unavailable(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_started_job())
        moves = system.keep_moving()
        with pytest.raises(Unavailable):
            system.cancel(job.id)
        assert len(moves) == TRIES
        assert system.jobs.get(job.id).status is JobStatus.PROCESSING

    def test_a_job_cancelled_before_the_intent_is_not_submitted(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())
        cancel_at(system, system.jobs.get(message.job_id), save=1)
        assert system.deliver(message).status is JobStatus.CANCELLED
        system.run()
        assert (system.provider.tokens, system.provider.cancelled) == ([], [])

    def test_the_worker_stops_a_provider_task_that_it_submitted_during_a_cancel(self) -> None:
        provider = ScriptedProvider()
        system = InMemorySystem(provider=provider)
        message = system.put(a_job())

        def submit() -> Submission:
            system.cancel(message.job_id)
            return Submission("task-late", poll_after_seconds=5)

        provider.submits = [submit]
        system.deliver(message)
        assert provider.cancelled == ["task-late"]
        system.run()
        assert system.jobs.get(message.job_id).next is None

    def test_cancelling_during_the_rendering_stops_it_and_removes_the_files(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.RENDER))

        def cancel_in_the_middle(done: float) -> None:
            system.clock.advance(2)
            if done == 0.5:
                system.cancel(message.job_id)

        system.renderer.at_report = cancel_in_the_middle
        system.deliver(message)
        system.run()
        assert (system.store.objects, system.provider.cancelled) == ({}, ["task-1"])
        assert system.jobs.get(message.job_id).status is JobStatus.CANCELLED

    def test_cancelling_after_the_upload_removes_the_files_at_once(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.RENDER))
        cancel_at(system, system.jobs.get(message.job_id), save=1)
        system.deliver(message)
        assert system.store.objects == {}


class TestCrashes:
    @pytest.mark.parametrize(
        "breaks",
        [
            lambda system: setattr(system.queue, "available", False),
            lambda system: setattr(system.notifier, "available", False),
            lambda system: setattr(system.slots, "available", False),
        ],
        ids=["the queue", "the notifier", "the slots"],
    )
    def test_a_service_that_fails_after_the_write_does_not_undo_the_cancel(
        self, breaks: Callable[[InMemorySystem], None]
    ) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        breaks(system)
        assert system.cancel(message.job_id).status is JobStatus.CANCELLED

    def test_the_reconciler_resends_a_clean_up_whose_message_was_lost(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        system.queue.available = False
        system.cancel(message.job_id)
        system.queue.available = True
        system.clock.advance(minutes=1)
        assert system.sweep()["resent"] == 1
        system.run()
        assert system.provider.cancelled == ["task-1"]

    def test_repeating_a_cancel_that_was_not_confirmed_returns_the_cancelled_job(self) -> None:
        system = InMemorySystem()
        job = system.submit()

        def land_and_break(before: VideoJob, after: VideoJob) -> None:
            system.jobs.before_save = None
            assert system.jobs.save(before, after)
            raise Unavailable

        system.jobs.before_save = land_and_break
        with pytest.raises(Unavailable):
            system.cancel(job.id)
        assert system.cancel(job.id).status is JobStatus.CANCELLED


class TestSlots:
    def test_cancelling_an_active_job_admits_the_next_waiting_job(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        first, second = system.submit(), system.submit()
        system.cancel(first.id)
        user_slots = system.slots.get(first.user_id)
        assert user_slots is not None
        assert user_slots.active == (second.id,)
        assert system.jobs.get(second.id).waiting_since is None
        assert [message.job_id for message in system.queue.sent] == [first.id, second.id]

    def test_a_waiting_job_that_was_cancelled_is_not_admitted(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        first, second = system.submit(), system.submit()
        system.cancel(second.id)
        system.cancel(first.id)
        user_slots = system.slots.get(first.user_id, Priority.NORMAL)
        assert user_slots is not None
        assert (user_slots.active, user_slots.waiting_at) == ((), None)


def test_cancelling_a_waiting_job_leaves_no_step_and_no_message() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_waiting_job())
    assert system.cancel(job.id).next is None
    assert system.queue.sent == []


def test_cancelling_a_cancelled_job_before_its_clean_up_returns_it_unchanged() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    assert system.cancel(job.id) == job
