"""Delete an ended job: hide it first, then remove its files, then its document."""

import logging

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict, LeaseLost, Unavailable
from videojobs.domain.job import UserId, VideoJob
from videojobs.ports.videos import VideoStore
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.read_job import TRIES, read_job

logger = logging.getLogger(__name__)


def delete_job(job_id: str, *, user_id: UserId, dispatcher: JobDispatcher, store: VideoStore) -> None:
    """Remove the user's job and its files. A job whose clean-up is not finished is hidden and removed with it.

    Raises:
        JobNotFound: If no such job exists, it has expired, or it is deleted already.
        JobForbidden: If the job is another user's.
        JobConflict: If the job is live.
        Unavailable: If MongoDB or S3 does not answer. The job may be deleted; a repeat finds out.
    """
    for _ in range(TRIES):
        job = read_job(job_id, user_id=user_id, jobs=dispatcher.jobs, clock=dispatcher.clock)
        if job.is_live:
            raise JobConflict(f"This video job is {job.status}; cancel it first, then delete it.")
        if remove_ended(job, dispatcher=dispatcher, store=store):
            return
    raise Unavailable


def remove_ended(job: VideoJob, *, dispatcher: JobDispatcher, store: VideoStore) -> bool:
    """Hide an ended job, and remove it unless it must be cleaned up first. Return False if the job has changed.

    After a crash the job has an overdue clean-up step, which the reconciler finds.

    Raises:
        Unavailable: If MongoDB or S3 does not answer.
    """
    try:
        hidden = dispatcher.commit(job, lifecycle.delete(job, dispatcher.clock.now()))
    except LeaseLost:
        return False
    logger.info("Job deleted", extra={"action": "job_deleted", "job_id": job.id})
    if job.next is None:
        store.remove(job.object_keys)
        dispatcher.jobs.remove(hidden)
    return True
