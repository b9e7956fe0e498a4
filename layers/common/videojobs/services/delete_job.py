"""Delete an ended job on behalf of its owner: hidden first, then its objects, then the document that knows of them."""

import logging

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict, Unavailable
from videojobs.domain.job import UserId, VideoJob
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.ports.videos import VideoStore
from videojobs.services.read_job import TRIES, read_job

logger = logging.getLogger(__name__)


def delete_job(job_id: str, *, user_id: UserId, jobs: JobRepository, store: VideoStore, clock: Clock) -> None:
    """Remove document and objects. One whose clean-up is not done yet is shown to nobody and goes with it.

    Raises:
        JobNotFound, JobForbidden: as `read_job` says; a second deletion finds no job.
        JobConflict: it runs.
        Unavailable: MongoDB or S3 does not answer. The job may be deleted all the same: a repeat tells.
    """
    for _ in range(TRIES):
        job = read_job(job_id, user_id=user_id, jobs=jobs, clock=clock)
        if job.is_live:
            raise JobConflict(f"This video job is {job.status}; cancel it first, then delete it.")
        if remove_ended(job, jobs=jobs, store=store, clock=clock):
            return
    raise Unavailable


def remove_ended(job: VideoJob, *, jobs: JobRepository, store: VideoStore, clock: Clock) -> bool:
    """Hide an ended job from everybody, and remove it if there is nothing to clean up first; False: it has moved on.

    A crash in between leaves a clean-up that is overdue, and the reconciler finds it.

    Raises:
        Unavailable: MongoDB or S3 does not answer.
    """
    hidden = lifecycle.delete(job, clock.now())
    if not jobs.save(job, hidden):
        return False
    logger.info("Job deleted", extra={"action": "job_deleted", "job_id": job.id})
    if job.next is None:
        store.remove(job.object_keys)
        jobs.remove(hidden)
    return True
