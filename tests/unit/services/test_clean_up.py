"""Cleaning up after a cancelled job: its task is stopped where that is possible, and its files go."""

from dataclasses import replace

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
    """Every attempt of the job has left its files, and so has another job."""
    system.store.objects |= dict.fromkeys((*job.object_keys, "videos/another/1.mp4"), b"bytes")
    return job


def test_the_task_is_stopped_and_every_attempts_files_are_removed() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_cancelled_job(attempt=3))
    clean = system.deliver(system.put(job))
    assert (clean.status, clean.next, clean.lease, clean.provider) == (JobStatus.CANCELLED, None, None, None)
    assert system.provider.cancelled == ["task-1"]
    assert set(system.store.objects) == {"videos/another/1.mp4"}


def test_a_job_that_was_retried_meanwhile_is_cleaned_up_and_then_made() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_retried_job())
    begun = system.deliver(system.put(job))
    assert (begun.status, begun.attempt) == (JobStatus.QUEUED, 2)
    assert system.provider.cancelled == ["task-1"]
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert system.provider.tokens == [f"{job.id}:2"]


def test_the_new_attempts_files_are_left_alone_by_whoever_cleans_up_late() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_retried_job())
    system.deliver(system.put(job))
    assert {key for key in system.store.objects if job.id in key} == set(job.object_keys) - set(
        replace(job, attempt=1).object_keys
    )


class TestTheProvider:
    def test_one_that_can_not_cancel_is_not_asked_to(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(can_cancel=False))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert system.provider.cancelled == []

    def test_anothers_task_is_not_asked_for(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(name="another"))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert system.provider.cancelled == []

    def test_a_job_between_two_attempts_has_no_task_to_stop(self) -> None:
        system = InMemorySystem()
        assert system.deliver(system.put(a_cancelled_job(provider=None))).next is None
        assert system.provider.cancelled == []

    def test_a_refusal_is_the_end_of_it(self, caplog: pytest.LogCaptureFixture) -> None:
        system = InMemorySystem(provider=ScriptedProvider(cancels=[REFUSED]))
        assert system.deliver(system.put(a_cancelled_job())).next is None
        assert "the provider refused or failed" in caplog.text

    def test_one_that_gives_no_answer_is_asked_again_and_the_files_stay_until_then(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(cancels=[ProviderUnreachable()]))
        job = fill_bucket(system, a_cancelled_job())
        again = system.deliver(system.put(job))
        assert again.next is not None
        assert (again.next.step, again.lease) == (Step.CLEAN_UP, None)
        assert again.next.due_at >= START
        assert system.store.objects != {}
        system.run()
        assert system.provider.cancelled == ["task-1"] * 2
        assert set(system.store.objects) == {"videos/another/1.mp4"}

    def test_one_that_never_answers_is_left_to_itself_and_the_files_go(self) -> None:
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
    def test_a_submit_of_which_nobody_knows_is_looked_up_where_that_is_possible(self, policy: UnknownSubmit) -> None:
        provider = ScriptedProvider(unknown_submit=policy)
        system = InMemorySystem(provider=provider)
        job = a_cancelled_job(provider=NO_REF)
        provider.tokens = [f"{job.id}:1"]
        system.deliver(system.put(job))
        assert provider.cancelled == ([f"task-of-{job.id}:1"] if policy is UnknownSubmit.FIND else [])

    def test_a_submit_that_never_arrived_leaves_nothing_to_stop(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        assert system.deliver(system.put(a_cancelled_job(provider=NO_REF))).next is None
        assert system.provider.cancelled == []

    def test_it_is_found_under_the_attempt_that_began_it_however_often_its_user_has_retried_since(self) -> None:
        provider = ScriptedProvider(unknown_submit=UnknownSubmit.FIND)
        system = InMemorySystem(provider=provider)
        job = a_retried_job(provider=NO_REF, attempt=4, attempts_before_retry=3)
        provider.tokens = [f"{job.id}:2"]
        system.deliver(system.put(job))
        assert provider.sought == [f"{job.id}:3", f"{job.id}:2"]
        assert provider.cancelled == [f"task-of-{job.id}:2"]


class TestDeletion:
    def test_a_job_that_was_deleted_meanwhile_is_removed(self) -> None:
        system = InMemorySystem()
        job = fill_bucket(system, a_cancelled_job(deleted_at=START))
        system.hand_out(system.put(job))
        assert (system.jobs.all(), set(system.store.objects)) == ([], {"videos/another/1.mp4"})
        assert system.provider.cancelled == ["task-1"]

    def test_a_job_that_is_deleted_in_the_middle_of_its_clean_up_is_removed_by_the_next_one(self) -> None:
        system = InMemorySystem()

        def delete() -> bool:
            system.delete(message.job_id)
            return True

        system.provider.cancels = [delete]
        message = system.put(a_cancelled_job())
        left = system.deliver(message)
        assert left.next is not None
        system.clock.advance(minutes=1)
        system.sweep()
        system.run()
        assert system.jobs.all() == []

    def test_whoever_has_lost_the_lease_removes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_cancelled_job(deleted_at=START))

        def take_over() -> bool:
            system.jobs.put(replace(system.jobs.get(message.job_id), lease=a_lease(token="theirs")))
            return True

        system.provider.cancels = [take_over]
        left = system.deliver(message)
        assert left.lease == a_lease(token="theirs")


def test_a_store_that_does_not_answer_lets_the_message_come_again() -> None:
    system = InMemorySystem()
    job = fill_bucket(system, a_cancelled_job())
    message = system.put(job)
    system.store.available = False
    with pytest.raises(Unavailable):
        system.deliver(message)
    system.store.available = True
    system.clock.advance(26)
    assert system.deliver(message).next is None


def test_a_clean_up_that_was_delivered_in_vain_too_often_is_no_reason_to_fail_the_job() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())
    assert not system.bury(message)
    system.clock.advance(minutes=1)
    assert system.sweep()["resent"] == 1


def test_a_cancelled_job_takes_no_place_while_it_is_cleaned_up() -> None:
    system = InMemorySystem()
    system.put(a_cancelled_job())
    assert system.slots.get(A_USER) is None
