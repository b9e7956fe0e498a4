"""Deletion: a deleted job is hidden at once, and its objects and document are removed even after a failure."""

import pytest

from tests.builders import ANOTHER_USER, a_cancelled_job, a_job, a_started_job, a_step
from tests.fakes.clock import START
from tests.system import InMemorySystem
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound, Unavailable
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus, Step, VideoJob
from videojobs.services.read_job import TRIES, read_job


def an_ended_job(system: InMemorySystem, status: JobStatus = JobStatus.COMPLETED) -> VideoJob:
    """Store an ended job whose second attempt left files, and return it."""
    job = system.jobs.put(a_job(status=status, next=None, attempt=2))
    system.store.objects |= dict.fromkeys((*job.object_keys, "videos/another/1.mp4"), b"bytes")
    return job


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_deleting_a_job_removes_its_document_and_objects(status: JobStatus) -> None:
    system = InMemorySystem()
    job = an_ended_job(system, status)
    system.delete(job.id)
    assert system.jobs.all() == []
    assert set(system.store.objects) == {"videos/another/1.mp4"}


def test_deleting_a_job_twice_raises_job_not_found() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    system.delete(job.id)
    with pytest.raises(JobNotFound):
        system.delete(job.id)


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_a_live_job_cannot_be_deleted(status: JobStatus) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_started_job(status=status))
    system.store.objects["videos/1/1.mp4"] = b"bytes"
    with pytest.raises(JobConflict, match="Cancel it first"):
        system.delete(job.id)
    assert (system.jobs.get(job.id), set(system.store.objects)) == (job, {"videos/1/1.mp4"})


def test_a_user_cannot_delete_the_job_of_another_user() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    with pytest.raises(JobForbidden):
        system.delete(job.id, user_id=ANOTHER_USER)
    assert system.jobs.get(job.id) == job
    assert set(job.object_keys) <= set(system.store.objects)


def test_a_job_deleted_before_its_clean_up_is_hidden_at_once_and_removed_with_it() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())
    system.delete(message.job_id)
    hidden = system.jobs.get(message.job_id)
    with pytest.raises(JobNotFound):
        read_job(hidden.id, user_id=hidden.user_id, jobs=system.jobs, clock=system.clock)
    with pytest.raises(JobNotFound):
        system.retry(hidden.id)
    system.hand_out(message)
    assert system.jobs.all() == []
    assert system.provider.cancelled == ["task-1"]


def test_a_retry_that_is_written_before_the_deletion_keeps_the_job() -> None:
    system = InMemorySystem()
    job = an_ended_job(system, JobStatus.FAILED)

    def retry_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.retry(job.id)

    system.jobs.before_save = retry_first
    with pytest.raises(JobConflict, match="Cancel it first"):
        system.delete(job.id)
    assert system.jobs.get(job.id).status is JobStatus.QUEUED
    assert set(job.object_keys) <= set(system.store.objects)


def test_a_retry_after_the_deletion_does_not_restore_the_job() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())

    def delete_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.delete(message.job_id)

    system.jobs.before_save = delete_first
    with pytest.raises(JobNotFound):
        system.retry(message.job_id)
    system.hand_out(message)
    assert system.jobs.all() == []


def test_a_clean_up_that_was_claimed_during_the_deletion_removes_the_job() -> None:
    system = InMemorySystem()
    message = system.put(a_cancelled_job())

    def claim_first(*_: VideoJob) -> None:
        system.jobs.before_save = None
        system.crash_worker(message)

    system.jobs.before_save = claim_first
    system.delete(message.job_id)
    assert system.jobs.get(message.job_id).deleted_at is not None
    system.clock.advance(minutes=20)
    system.sweep()
    system.run()
    assert system.jobs.all() == []
    assert system.provider.cancelled == ["task-1"]


def test_a_job_that_changes_during_every_try_is_not_deleted_and_raises_unavailable() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    moves = system.keep_moving()
    with pytest.raises(Unavailable):
        system.delete(job.id)
    assert len(moves) == TRIES
    assert system.jobs.get(job.id).deleted_at is None


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_interrupted_deletion_hides_the_job_and_is_completed_by_the_reconciler(status: JobStatus) -> None:
    system = InMemorySystem()
    job = an_ended_job(system, status)
    system.store.available = False
    with pytest.raises(Unavailable):
        system.delete(job.id)
    with pytest.raises(JobNotFound):
        read_job(job.id, user_id=job.user_id, jobs=system.jobs, clock=system.clock)
    system.store.available = True
    system.clock.advance(minutes=1)
    system.sweep()
    system.run()
    assert (system.jobs.all(), set(system.store.objects)) == ([], {"videos/another/1.mp4"})
    assert system.provider.cancelled == []


def test_a_deleted_completed_job_records_no_duration() -> None:
    system = InMemorySystem()
    job = a_job(status=JobStatus.COMPLETED, next=a_step(Step.CLEAN_UP), deleted_at=START, started_at=START)
    system.hand_out(system.put(job))
    assert system.jobs.all() == []
    assert system.timings.usual_seconds(timing_kind(job)) is None


def test_deleting_fails_and_removes_nothing_when_the_database_is_unavailable() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    system.jobs.available = False
    with pytest.raises(Unavailable):
        system.delete(job.id)
    assert set(job.object_keys) <= set(system.store.objects)
