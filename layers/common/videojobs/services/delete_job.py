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
    """Delete the user's ended job and its files. If its clean-up is not finished, hide it now; the clean-up removes it.

    Raises:
        JobNotFound: If no such job exists, it is deleted or expired, or `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        JobConflict: If the job is live.
        Unavailable: If MongoDB or S3 does not respond, or if the job changes during each of `TRIES` tries. The job may
            be deleted; repeat the call to find out.
    """
    for _ in range(TRIES):
        job = read_job(job_id, user_id=user_id, jobs=dispatcher.jobs, clock=dispatcher.clock)
        if job.is_live:
            raise JobConflict(f"This video job is {job.status}. Cancel it first, then delete it.")
        if remove_ended(job, dispatcher=dispatcher, store=store):
            return
    raise Unavailable


def remove_ended(job: VideoJob, *, dispatcher: JobDispatcher, store: VideoStore) -> bool:
    """Hide an ended job, and remove it unless its clean-up is pending. Return False if the job has changed meanwhile.

    After a crash, or if a service is unavailable, the job has an overdue clean-up step, which the reconciler resends.

    Raises:
        Unavailable: If MongoDB or S3 does not respond; the job may be hidden or removed.
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
