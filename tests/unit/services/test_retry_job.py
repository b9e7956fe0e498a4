"""Retry by the user: one new attempt with a new deadline, which waits for a slot if needed."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_cancelled_job, a_job, a_started_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import (
    FailureCode,
    JobConflict,
    JobForbidden,
    JobNotFound,
    PriorityForbidden,
    ProviderError,
    Unavailable,
    ValidationFailed,
)
from videojobs.domain.job import JobId, JobStatus, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Priority
from videojobs.ports.videos import Generation
from videojobs.services.read_job import TRIES
from videojobs.services.retry_job import RetryRights

STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "The provider stumbled.", transient=True)


def a_failed_job(**changes: object) -> VideoJob:
    """Return a failed job that can be retried, with the changes applied."""
    return a_job(**({"status": JobStatus.FAILED, "next": None, "error_message": "Too late."} | changes))


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_failed_or_cancelled_job_is_generated_by_a_retry(status: JobStatus) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job(status=status))
    queued = system.retry(job.id)
    assert (queued.status, queued.attempt, queued.error_message) == (JobStatus.QUEUED, 2, None)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert system.provider.tokens == [f"{job.id}:2"]


def test_a_retry_is_announced() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job(outbox=()))
    system.retry(job.id)
    assert [announcement.version for _, announcement in system.notifier.published] == [job.version + 1]


def test_a_retry_gets_as_many_attempts_as_a_new_job() -> None:
    system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE] * 100))
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).attempt == 3
    system.retry(job.id)
    system.run()
    assert (system.jobs.get(job.id).status, system.jobs.get(job.id).attempt) == (JobStatus.FAILED, 6)
    assert len(system.provider.tokens) == len(set(system.provider.tokens)) == 6


def test_a_retry_gets_the_full_deadline_of_a_new_job() -> None:
    never = Generation(done=False, poll_after_seconds=60)
    provider = ScriptedProvider(polls=[never] * 200)
    system = InMemorySystem(provider=provider, policy=StepPolicy(deadline=timedelta(minutes=10)))
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.FAILED
    system.clock.advance(hours=1)
    retried_at = system.clock.now()
    system.retry(job.id)
    system.run()
    ended = system.jobs.get(job.id)
    assert ended.started_at == retried_at
    assert ended.updated_at >= retried_at + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (a_job(), "is queued"),
        (a_started_job(), "is processing"),
        (a_job(status=JobStatus.COMPLETED, next=None), "has completed"),
        (a_failed_job(style="sepia"), "isn't valid"),
    ],
    ids=["queued", "processing", "completed", "impossible"],
)
def test_a_job_that_cannot_be_retried_raises_a_conflict(job: VideoJob, reason: str) -> None:
    system = InMemorySystem()
    system.jobs.put(job)
    with pytest.raises(JobConflict, match=reason):
        system.retry(job.id)
    assert system.jobs.get(job.id) == job
    assert (system.slots.get(A_USER), system.queue.sent) == (None, [])


def test_a_user_cannot_retry_the_job_of_another_user() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job())
    with pytest.raises(JobForbidden):
        system.retry(job.id, user_id=ANOTHER_USER)
    assert system.jobs.get(job.id) == job


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (a_failed_job(priority=Priority.HIGH), PriorityForbidden),
        (a_failed_job(requested_provider="luma"), ValidationFailed),
        (a_failed_job(priority=Priority.HIGH, requested_provider="fal"), PriorityForbidden),
    ],
    ids=["priority", "provider", "both"],
)
def test_a_retry_without_the_rights_that_the_job_needs_is_refused(job: VideoJob, error: type[Exception]) -> None:
    system = InMemorySystem()
    system.jobs.put(job)
    with pytest.raises(error):
        system.retry(job.id, rights=RetryRights(can_use_high_priority=False, allowed_providers=("fal",)))
    assert system.jobs.get(job.id) == job
    assert (system.slots.get(A_USER, job.priority), system.queue.sent) == (None, [])


@pytest.mark.parametrize(
    "rights",
    [RetryRights(can_use_high_priority=True, allowed_providers=("fal", "luma")), None],
    ids=["all", "operator"],
)
def test_a_retry_with_the_rights_that_the_job_needs_keeps_its_priority_and_provider(rights: RetryRights | None) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job(priority=Priority.HIGH, requested_provider="luma"))
    queued = system.retry(job.id, rights=rights)
    assert (queued.status, queued.priority, queued.requested_provider) == (JobStatus.QUEUED, Priority.HIGH, "luma")


def test_a_job_that_needs_no_rights_is_retried_without_any() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job())
    rights = RetryRights(can_use_high_priority=False, allowed_providers=())
    assert system.retry(job.id, rights=rights).status is JobStatus.QUEUED


def test_an_expired_job_cannot_be_retried() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job(expires_at=START))
    with pytest.raises(JobNotFound):
        system.retry(job.id)


def test_sixteen_concurrent_retries_start_one_attempt() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job())

    def retry(_: int) -> bool:
        try:
            system.retry(job.id)
        except JobConflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(retry, range(16)))
    assert results.count(True) == 1
    assert system.jobs.get(job.id).attempt == 2
    system.run()
    assert system.provider.tokens == [f"{job.id}:2"]


def test_a_retry_after_a_concurrent_deletion_raises_job_not_found() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job())

    def delete_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.delete(job.id)

    system.jobs.before_save = delete_first
    with pytest.raises(JobNotFound):
        system.retry(job.id)
    assert system.jobs.all() == []


def test_a_retry_succeeds_although_the_clean_up_ends_at_the_same_time() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())

    def clean_up_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.deliver(message)

    system.jobs.before_save = clean_up_first
    assert system.retry(message.job_id).attempt == 2
    system.run()
    assert system.jobs.get(message.job_id).status is JobStatus.COMPLETED
    assert (system.provider.cancelled, system.provider.tokens) == (["task-1"], [f"{message.job_id}:2"])


def test_a_retry_delayed_past_another_retry_and_a_cancel_uses_a_new_attempt_number() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_failed_job(status=JobStatus.CANCELLED))

    def retry_and_cancel_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.retry(job.id)
        system.cancel(job.id)
        system.run()

    system.jobs.before_save = retry_and_cancel_first
    assert system.retry(job.id).attempt == 3
    system.run()
    assert system.provider.tokens == [f"{job.id}:3"]


@pytest.mark.parametrize(("before", "meanwhile"), [(0, 0), (1, 0), (0, 1)])
def test_a_retry_that_needs_a_second_try_holds_one_slot_or_waits_for_a_slot(before: int, meanwhile: int) -> None:
    system = InMemorySystem(slots=InMemorySlotRepository(cap=1))
    message = system.put(a_cancelled_job())

    def fill_slots(count: int) -> None:
        system.slots.acquire(A_USER, Priority.NORMAL, [JobId("f" * 24)] * count, system.clock.now())

    def clean_up_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.deliver(message)
        fill_slots(meanwhile)

    fill_slots(before)
    system.jobs.before_save = clean_up_first
    waits = system.retry(message.job_id).waiting_since is not None
    user_slots = system.slots.get(A_USER, Priority.NORMAL)
    assert user_slots is not None
    assert (waits, user_slots.active) == (True, ("f" * 24,)) if before or meanwhile else (False, (message.job_id,))


def test_a_job_that_changes_during_every_try_is_not_retried_and_raises_unavailable() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    moves = system.keep_moving()
    with pytest.raises(Unavailable):
        system.retry(job.id)
    assert len(moves) == TRIES
    assert system.jobs.get(job.id).status is JobStatus.CANCELLED


def test_a_job_retried_before_its_clean_up_is_cleaned_up_before_it_runs() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())
    system.retry(message.job_id)
    assert [sent.step for sent in system.queue.drain()] == [Step.CLEAN_UP]
    system.deliver(message)
    assert system.provider.cancelled == ["task-1"]
    assert system.provider.tokens == []
    system.run()
    assert system.provider.tokens == [f"{message.job_id}:2"]


def test_a_clean_up_that_runs_during_a_retry_is_repeated() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())
    system.provider.cancels = [lambda: bool(system.retry(message.job_id))]
    system.deliver(message)
    system.run(sweeping=True)
    done = system.jobs.get(message.job_id)
    assert (done.status, done.attempt) == (JobStatus.COMPLETED, 2)
    assert system.provider.cancelled == ["task-1"] * 2


class TestSlots:
    def test_a_retry_over_the_cap_waits_without_a_message(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        running = system.submit()
        system.queue.drain()
        job = system.jobs.put(a_failed_job())
        assert system.retry(job.id).waiting_since == START
        assert system.queue.sent == []
        system.cancel(running.id)
        assert [message.job_id for message in system.queue.sent] == [job.id]

    def test_a_slot_that_is_freed_during_a_retry_is_taken_at_once(self) -> None:
        system = InMemorySystem()
        system.slots.cap = 1
        running = system.submit()
        job = system.jobs.put(a_failed_job())

        def end_first(*_: VideoJob) -> None:
            system.jobs.before_save = None
            system.jobs.put(replace(running, status=JobStatus.COMPLETED, next=None))
            system.slots.release(running.user_id, running.priority, [running.id])

        system.jobs.before_save = end_first
        system.retry(job.id)
        assert system.jobs.get(job.id).waiting_since is None
        system.run()
        assert system.jobs.get(job.id).status is JobStatus.COMPLETED
