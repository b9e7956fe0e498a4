"""Start a job anew that failed or was cancelled, because its owner asks for it."""

import logging

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import ShareRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.follow_up import follow_up
from videojobs.services.read_job import read_job
from videojobs.services.share_lane import let_waiting_in, take_places

logger = logging.getLogger(__name__)


def retry_job(
    job_id: str,
    *,
    user_id: UserId,
    jobs: JobRepository,
    shares: ShareRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
) -> VideoJob:
    """The job, queued again as a new attempt. Of any number of calls at once one does it.

    Raises:
        JobNotFound, JobForbidden: as `read_job` says.
        JobConflict: it runs, has completed, or asks for what can't be made.
        Unavailable: MongoDB did not confirm; the job may be queued all the same.
    """
    job = read_job(job_id, user_id=user_id, jobs=jobs, clock=clock)
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}; it can be retried when it has failed or was cancelled.")
    if job.status is JobStatus.COMPLETED:
        raise JobConflict("This video job has completed; there is nothing to retry.")
    if not lifecycle.can_be_made(job):
        raise JobConflict("This video can't be made from what was asked for. Please ask for a new one.")
    now = clock.now()
    (queued,) = take_places([lifecycle.retry(job, now)], shares=shares, now=now)
    if not jobs.save(job, queued):
        raise JobConflict("This video job has just been changed otherwise. Look at it again.")
    logger.info("Job queued again", extra={"action": "job_retried", "job_id": job.id, "attempt": queued.attempt})
    follow_up(queued, jobs=jobs, shares=shares, queue=queue, notifier=notifier, clock=clock)
    if queued.waiting_since is not None:
        let_waiting_in(user_id, queued.priority, jobs=jobs, shares=shares, queue=queue, clock=clock)
    return queued
