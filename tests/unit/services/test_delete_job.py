"""Deleting a job: nobody sees it from then on, and whatever breaks, neither objects nor document stay."""

import pytest

from tests.builders import ANOTHER_USER, a_cancelled_job, a_job, a_started_job, a_step
from tests.fakes.clock import START
from tests.system import InMemorySystem
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound, Unavailable
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus, Step, VideoJob
from videojobs.services.read_job import TRIES, read_job


def an_ended_job(system: InMemorySystem, status: JobStatus = JobStatus.COMPLETED) -> VideoJob:
    """A job at rest, whose second attempt left files."""
    job = system.jobs.put(a_job(status=status, next=None, attempt=2))
    system.store.objects |= dict.fromkeys((*job.object_keys, "videos/another/1.mp4"), b"bytes")
    return job


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_deleted_job_leaves_neither_document_nor_objects(status: JobStatus) -> None:
    system = InMemorySystem()
    job = an_ended_job(system, status)
    system.delete(job.id)
    assert system.jobs.all() == []
    assert set(system.store.objects) == {"videos/another/1.mp4"}


def test_deleting_again_finds_no_job() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    system.delete(job.id)
    with pytest.raises(JobNotFound):
        system.delete(job.id)


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_a_job_that_runs_is_not_deleted(status: JobStatus) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_started_job(status=status))
    system.store.objects["videos/1/1.mp4"] = b"bytes"
    with pytest.raises(JobConflict, match="Cancel it first"):
        system.delete(job.id)
    assert (system.jobs.get(job.id), set(system.store.objects)) == (job, {"videos/1/1.mp4"})


def test_nobody_deletes_anothers_job() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    with pytest.raises(JobForbidden):
        system.delete(job.id, user_id=ANOTHER_USER)
    assert system.jobs.get(job.id) == job
    assert set(job.object_keys) <= set(system.store.objects)


def test_a_job_with_its_clean_up_still_to_come_is_hidden_at_once_and_goes_with_it() -> None:
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


def test_a_retry_in_the_same_moment_keeps_the_job() -> None:
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


def test_a_retry_that_has_seen_the_job_before_its_deletion_brings_it_back_no_more() -> None:
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


def test_a_clean_up_that_was_claimed_in_the_same_moment_takes_the_job_with_it() -> None:
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


def test_a_job_that_never_holds_still_is_not_deleted_and_nothing_is_claimed_of_it() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    moves = system.keep_moving()
    with pytest.raises(Unavailable):
        system.delete(job.id)
    assert len(moves) == TRIES
    assert system.jobs.get(job.id).deleted_at is None


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_deletion_that_breaks_in_the_middle_is_seen_by_nobody_and_goes_on_by_itself(status: JobStatus) -> None:
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


def test_a_completed_job_that_is_removed_late_says_nothing_of_how_long_jobs_take() -> None:
    system = InMemorySystem()
    job = a_job(status=JobStatus.COMPLETED, next=a_step(Step.CLEAN_UP), deleted_at=START, started_at=START)
    system.hand_out(system.put(job))
    assert system.jobs.all() == []
    assert system.timings.usual_seconds(timing_kind(job)) is None


def test_a_database_that_is_gone_deletes_nothing() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    system.jobs.available = False
    with pytest.raises(Unavailable):
        system.delete(job.id)
    assert set(job.object_keys) <= set(system.store.objects)
