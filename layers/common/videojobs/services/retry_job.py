"""Start a job anew that failed or was cancelled, because its owner, or an operator, asks for it."""

import logging

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict, Unavailable
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.follow_up import follow_up
from videojobs.services.manage_slots import acquire_slots, admit_waiting
from videojobs.services.read_job import TRIES, read_job

logger = logging.getLogger(__name__)


def retry_job(
    job_id: str,
    *,
    user_id: UserId,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    by: str = "the user",
) -> VideoJob:
    """The job, queued again as a new attempt; `by` is for its history. Of any number of calls at once one does it.

    A clean-up that is written in the same moment is no reason to refuse: the job is looked at again.

    Raises:
        JobNotFound, JobForbidden: as `read_job` says.
        JobConflict: it runs, has completed, or asks for what can't be made.
        Unavailable: MongoDB did not confirm; the job may be queued all the same. A repeat tells.
    """
    queued = None
    for _ in range(TRIES):
        job = _read_retryable(job_id, user_id=user_id, jobs=jobs, clock=clock)
        now = clock.now()
        after = lifecycle.retry(job, now, by)
        if queued is None:
            (queued,) = acquire_slots([after], slots=slots, now=now)
        elif queued.waiting_since is None and slots.acquire_waiting(user_id, job.priority, job.id, now):
            queued = after  # in its place, or in it again: whoever ends a clean-up takes the job out of the share
        else:
            queued = lifecycle.wait_for_slot(after, now)
        if jobs.save(job, queued):
            break
    else:
        raise Unavailable
    logger.info("Job queued again", extra={"action": "job_retried", "job_id": job.id, "attempt": queued.attempt})
    follow_up(queued, jobs=jobs, slots=slots, queue=queue, notifier=notifier, clock=clock)
    if queued.waiting_since is not None:
        admit_waiting(user_id, queued.priority, jobs=jobs, slots=slots, queue=queue, clock=clock)
    return queued


def _read_retryable(job_id: str, *, user_id: UserId, jobs: JobRepository, clock: Clock) -> VideoJob:
    job = read_job(job_id, user_id=user_id, jobs=jobs, clock=clock)
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}; it can be retried when it has failed or was cancelled.")
    if job.status is JobStatus.COMPLETED:
        raise JobConflict("This video job has completed; there is nothing to retry.")
    if not lifecycle.can_be_made(job):
        raise JobConflict("This video can't be made from what was asked for. Please ask for a new one.")
    return job
