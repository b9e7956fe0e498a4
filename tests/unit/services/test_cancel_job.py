"""Cancelling a job: it tells the truth about who was first, and what is cancelled is never worked on."""

from collections.abc import Callable
from dataclasses import replace

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
    """The user cancels right before the n-th save of somebody else; what the user is answered."""
    answers: list[VideoJob] = []
    saves = 0

    def before_save(*_: VideoJob) -> None:
        nonlocal saves
        saves += 1
        if saves == save:
            system.jobs.before_save = None
            answers.append(system.cancel(job.id))

    system.jobs.before_save = before_save
    return answers


def test_a_queued_job_is_cancelled_and_leaves_nothing_to_do() -> None:
    system = InMemorySystem()
    job = system.submit()
    cancelled = system.cancel(job.id)
    assert (cancelled.status, cancelled.next) == (JobStatus.CANCELLED, None)
    assert [message.step for message in system.queue.sent] == [Step.START]
    assert [each.version for _, each in system.notifier.published] == [1, 2]


def test_a_cancelled_job_is_never_started() -> None:
    system = InMemorySystem()
    job = system.submit()
    system.cancel(job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.CANCELLED
    assert system.provider.tokens == []


def test_a_job_in_the_middle_is_cancelled_and_cleaned_up() -> None:
    system = InMemorySystem()
    message = system.put(a_started_job())
    cancelled = system.cancel(message.job_id)
    assert cancelled.status is JobStatus.CANCELLED
    assert [sent.step for sent in system.queue.sent] == [Step.CLEAN_UP]
    system.run()
    clean = system.jobs.get(message.job_id)
    assert (clean.status, clean.next, clean.provider) == (JobStatus.CANCELLED, None, None)
    assert system.provider.cancelled == ["task-1"]


def test_cancelling_again_says_the_same_and_changes_nothing() -> None:
    system = InMemorySystem()
    job = system.submit()
    cancelled = system.cancel(job.id)
    stored = system.jobs.get(job.id)
    assert replace(system.cancel(job.id), outbox=cancelled.outbox) == cancelled
    assert system.jobs.get(job.id) == stored


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_has_ended_otherwise_stays_as_it_is(status: JobStatus) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_job(status=status, next=None))
    with pytest.raises(JobConflict, match=f"already {status}"):
        system.cancel(job.id)
    assert system.jobs.get(job.id) == job


def test_nobody_cancels_anothers_job() -> None:
    system = InMemorySystem()
    job = system.submit()
    with pytest.raises(JobForbidden):
        system.cancel(job.id, user_id=ANOTHER_USER)
    assert system.jobs.get(job.id) == job


def test_a_job_that_is_not_there_can_not_be_cancelled() -> None:
    system = InMemorySystem()
    with pytest.raises(JobNotFound):
        system.cancel(system.jobs.new_id())


class TestRaces:
    def test_of_cancel_and_finish_the_first_one_counts(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.FINISH, output=an_output(size_bytes=4)))
        system.store.objects["videos/1/1.mp4"] = b"four"
        answers = cancel_at(system, system.jobs.get(message.job_id), save=1)
        assert system.deliver(message).status is JobStatus.CANCELLED
        assert [answer.status for answer in answers] == [JobStatus.CANCELLED]

    def test_a_finish_that_was_first_is_told_to_whoever_cancels(self) -> None:
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

    def test_a_step_that_was_written_meanwhile_is_cancelled_after_it(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())

        def claim_first(*_: VideoJob) -> None:
            system.jobs.before_save = None
            system.crash_worker(message)

        system.jobs.before_save = claim_first
        assert system.cancel(message.job_id).status is JobStatus.CANCELLED

    def test_a_job_that_never_holds_still_is_given_up_and_nothing_is_claimed_of_it(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_started_job())
        moves = system.keep_moving()
        with pytest.raises(Unavailable):
            system.cancel(job.id)
        assert len(moves) == TRIES
        assert system.jobs.get(job.id).status is JobStatus.PROCESSING

    def test_cancelled_before_the_intent_nothing_is_submitted(self) -> None:
        system = InMemorySystem()
        message = system.put(a_job())
        cancel_at(system, system.jobs.get(message.job_id), save=1)
        assert system.deliver(message).status is JobStatus.CANCELLED
        system.run()
        assert (system.provider.tokens, system.provider.cancelled) == ([], [])

    def test_cancelled_during_the_submit_its_task_is_stopped_by_whoever_submitted(self) -> None:
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

    def test_cancelled_while_rendering_the_drawing_stops_and_its_files_go(self) -> None:
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

    def test_cancelled_when_everything_is_uploaded_the_files_go_at_once(self) -> None:
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
        ids=["the queue", "the notifier", "the share"],
    )
    def test_what_does_not_answer_after_the_write_takes_nothing_back(
        self, breaks: Callable[[InMemorySystem], None]
    ) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        breaks(system)
        assert system.cancel(message.job_id).status is JobStatus.CANCELLED

    def test_a_clean_up_whose_message_was_lost_is_found(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        system.queue.available = False
        system.cancel(message.job_id)
        system.queue.available = True
        system.clock.advance(minutes=1)
        assert system.sweep()["resent"] == 1
        system.run()
        assert system.provider.cancelled == ["task-1"]

    def test_a_save_that_was_not_confirmed_is_told_by_a_repeat(self) -> None:
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


class TestPlaces:
    def test_a_cancelled_job_makes_room_for_the_next_one(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        first, second = system.submit(), system.submit()
        system.cancel(first.id)
        share = system.slots.get(first.user_id)
        assert share is not None
        assert share.active == (second.id,)
        assert system.jobs.get(second.id).waiting_since is None
        assert [message.job_id for message in system.queue.sent] == [first.id, second.id]

    def test_a_waiting_job_that_is_cancelled_is_let_in_no_more(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        first, second = system.submit(), system.submit()
        system.cancel(second.id)
        system.cancel(first.id)
        share = system.slots.get(first.user_id, Priority.NORMAL)
        assert share is not None
        assert (share.active, share.waiting_at) == ((), None)


def test_a_waiting_job_is_cancelled_without_a_trace_of_work() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_waiting_job())
    assert system.cancel(job.id).next is None
    assert system.queue.sent == []


def test_a_cancelled_job_that_still_has_its_clean_up_is_cancelled_already() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    assert system.cancel(job.id) == job
