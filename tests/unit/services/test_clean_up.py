"""Clean-up of a cancelled job: its provider task is stopped where that is possible, and its files are removed."""

from copy import replace

import pytest

from tests.builders import A_USER, a_cancelled_job, a_lease, a_retried_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobStatus, ProviderTask, Step, VideoJob
from videojobs.ports.videos import UnknownSubmit
from videojobs.services.clean_up import CANCEL_TRIES

REFUSED = ProviderError(FailureCode.PROVIDER_ERROR, "It is over already.", transient=False)
NO_REF = ProviderTask("scripted", submitted_at=START)


def fill_bucket(system: InMemorySystem, job: VideoJob) -> VideoJob:
    """Store the files of every attempt of the job and a file of another job; return the job."""
    system.store.objects |= dict.fromkeys((*job.object_keys, "videos/another/1.mp4"), b"bytes")
    return job


def test_clean_up_stops_the_task_and_removes_the_files_of_every_attempt() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_cancelled_job(attempt=3))
    cleaned = system.deliver(system.put(job))
    assert (cleaned.status, cleaned.next, cleaned.lease, cleaned.provider) == (JobStatus.CANCELLED, None, None, None)
    assert system.provider.cancelled == ["task-1"]
    assert set(system.store.objects) == {"videos/another/1.mp4"}


def test_a_retried_job_is_cleaned_up_before_its_next_attempt() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_retried_job())
    restarted = system.deliver(system.put(job))
    assert (restarted.status, restarted.attempt) == (JobStatus.QUEUED, 2)
    assert system.provider.cancelled == ["task-1"]
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert system.provider.tokens == [f"{job.id}:2"]


def test_a_late_clean_up_keeps_the_files_of_the_new_attempt() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_retried_job())
    system.deliver(system.put(job))
    assert {key for key in system.store.objects if job.id in key} == set(job.object_keys) - set(
        replace(job, attempt=1).object_keys
    )


class TestProvider:
    def test_a_provider_that_cannot_cancel_is_not_called(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(can_cancel=False))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert system.provider.cancelled == []

    def test_a_task_of_another_provider_is_not_cancelled(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(name="another"))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert system.provider.cancelled == []

    def test_a_job_between_two_attempts_has_no_task_to_cancel(self) -> None:
        system = InMemorySystem()
        assert system.deliver(system.put(a_cancelled_job(provider=None))).next is None
        assert system.provider.cancelled == []

    def test_a_provider_that_refuses_to_cancel_is_not_asked_again(self, caplog: pytest.LogCaptureFixture) -> None:
        system = InMemorySystem(provider=ScriptedProvider(cancels=[REFUSED]))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert "the provider refused or failed" in caplog.text

    def test_an_unreachable_provider_is_called_again_and_the_files_kept_until_then(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(cancels=[ProviderUnreachable()]))
        job = fill_bucket(system, a_cancelled_job())
        postponed = system.deliver(system.put(job))
        assert postponed.next is not None
        assert (postponed.next.step, postponed.lease) == (Step.CLEAN_UP, None)
        assert postponed.next.due_at >= START
        assert system.store.objects != {}
        system.run()
        assert system.provider.cancelled == ["task-1"] * 2
        assert set(system.store.objects) == {"videos/another/1.mp4"}

    def test_a_provider_that_stays_unreachable_is_given_up_and_the_files_are_removed(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(cancels=[ProviderUnreachable()] * 100))
        job = fill_bucket(system, a_cancelled_job())
        system.put(job)
        system.run(sweeping=True)
        system.clock.advance(minutes=1)
        system.sweep()
        system.run()
        assert len(system.provider.cancelled) == CANCEL_TRIES
        assert (system.jobs.get(job.id).next, set(system.store.objects)) == (None, {"videos/another/1.mp4"})

    @pytest.mark.parametrize("policy", list(UnknownSubmit))
    def test_an_unknown_submit_is_looked_up_where_the_provider_can_find_tasks(self, policy: UnknownSubmit) -> None:
        provider = ScriptedProvider(unknown_submit=policy)
        system = InMemorySystem(provider=provider)
        job = a_cancelled_job(provider=NO_REF)
        provider.tokens = [f"{job.id}:1"]
        system.deliver(system.put(job))
        assert provider.cancelled == ([f"task-of-{job.id}:1"] if policy is UnknownSubmit.FIND else [])

    def test_a_submit_that_never_arrived_leaves_no_task_to_cancel(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        assert system.deliver(system.put(a_cancelled_job(provider=NO_REF))).next is None
        assert system.provider.cancelled == []

    def test_a_task_is_found_by_the_attempt_that_submitted_it_even_after_later_retries(self) -> None:
        provider = ScriptedProvider(unknown_submit=UnknownSubmit.FIND)
        system = InMemorySystem(provider=provider)
        job = a_retried_job(provider=NO_REF, attempt=4, attempts_before_retry=3)
        provider.tokens = [f"{job.id}:2"]
        system.deliver(system.put(job))
        assert provider.sought == [f"{job.id}:3", f"{job.id}:2"]
        assert provider.cancelled == [f"task-of-{job.id}:2"]


class TestDeletion:
    def test_clean_up_removes_a_job_that_was_deleted_meanwhile(self) -> None:
        system = InMemorySystem()
        job = fill_bucket(system, a_cancelled_job(deleted_at=START))
        system.hand_out(system.put(job))
        assert (system.jobs.all(), set(system.store.objects)) == ([], {"videos/another/1.mp4"})
        assert system.provider.cancelled == ["task-1"]

    def test_a_job_deleted_during_its_clean_up_is_removed_by_the_next_clean_up(self) -> None:
        system = InMemorySystem()

        def delete() -> bool:
            system.delete(message.job_id)
            return True

        system.provider.cancels = [delete]
        message = system.put(a_cancelled_job())
        remaining = system.deliver(message)
        assert remaining.next is not None
        system.clock.advance(minutes=1)
        system.sweep()
        system.run()
        assert system.jobs.all() == []

    def test_a_worker_that_lost_the_lease_removes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_cancelled_job(deleted_at=START))

        def take_over() -> bool:
            system.jobs.put(replace(system.jobs.get(message.job_id), lease=a_lease(token="theirs")))
            return True

        system.provider.cancels = [take_over]
        remaining = system.deliver(message)
        assert remaining.lease == a_lease(token="theirs")


def test_clean_up_is_retried_when_the_store_is_unavailable() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_cancelled_job())
    message = system.put(job)
    system.store.available = False
    with pytest.raises(Unavailable):
        system.deliver(message)
    system.store.available = True
    system.clock.advance(26)
    assert system.deliver(message).next is None


def test_a_clean_up_in_the_dead_letter_queue_is_resent() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())
    system.clock.advance(minutes=1)
    assert system.bury(message)
    (resent,) = system.queue.drain()
    assert system.deliver(resent).next is None


def test_a_cancelled_job_holds_no_slot_during_its_clean_up() -> None:
    system = InMemorySystem()
    system.put(a_cancelled_job())
    assert system.slots.get(A_USER) is None
