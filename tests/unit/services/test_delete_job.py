"""Deleting a job: first what it made, then what knows of it; nobody sees it from then on."""

from dataclasses import replace

import pytest

from tests.builders import ANOTHER_USER, a_cancelled_job, a_job, a_lease, a_started_job
from tests.system import InMemorySystem
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound, Unavailable
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.services.read_job import read_job


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
    with pytest.raises(JobConflict, match="cancel it first"):
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
    real_remove = system.jobs.remove

    def retry_first(found: VideoJob) -> bool:
        system.retry(found.id)
        return real_remove(found)

    system.jobs.remove = retry_first  # type: ignore[method-assign]
    with pytest.raises(JobConflict, match="changed otherwise"):
        system.delete(job.id)
    assert system.jobs.get(job.id).status is JobStatus.QUEUED


def test_a_clean_up_that_was_claimed_in_the_same_moment_keeps_the_job() -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_cancelled_job())
    system.jobs.before_save = lambda before, _: system.jobs.put(replace(before, lease=a_lease())) and None
    with pytest.raises(JobConflict, match="changed otherwise"):
        system.delete(job.id)
    assert system.jobs.get(job.id).deleted_at is None


def test_a_store_that_does_not_answer_keeps_the_document_that_knows_the_objects() -> None:
    system = InMemorySystem()
    job = an_ended_job(system)
    system.store.available = False
    with pytest.raises(Unavailable):
        system.delete(job.id)
    assert system.jobs.get(job.id) == job
    system.store.available = True
    system.delete(job.id)
    assert system.jobs.all() == []
