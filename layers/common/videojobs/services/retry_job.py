"""Retry a failed or cancelled job, on behalf of its owner or an operator."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from videojobs.domain import lifecycle
from videojobs.domain.errors import (
    ErrorDetail,
    JobConflict,
    LeaseLost,
    PriorityForbidden,
    Unavailable,
    ValidationFailed,
)
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.domain.request import Priority, new_seed
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.read_job import TRIES, read_job

logger = logging.getLogger(__name__)


class RetryRights(NamedTuple):
    """Rights of a session at the time of a retry, which can be fewer than when the job was created."""

    can_use_high_priority: bool
    allowed_providers: Collection[str]

    def check(self, job: VideoJob) -> None:
        """Check that the session could request this job now.

        Raises:
            PriorityForbidden: If the job has high priority and the session does not allow it.
            ValidationFailed: If the job's request chose a provider that requests can't choose any more.
        """
        if job.priority is Priority.HIGH and not self.can_use_high_priority:
            raise PriorityForbidden("Your account can't use high priority any more. Create a job with normal priority.")
        if job.requested_provider is not None and job.requested_provider not in self.allowed_providers:
            message = "This video job chose a provider that can't be chosen any more. Create a job without it."
            raise ValidationFailed([ErrorDetail("provider", "Can't be chosen any more in this deployment.")], message)


def retry_job(
    job_id: str,
    *,
    user_id: UserId,
    dispatcher: JobDispatcher,
    rights: RetryRights | None,
    by: str = "the user",
    with_new_seed: bool = False,
) -> VideoJob:
    """Queue the user's failed or cancelled job in a new attempt and return it. Of concurrent calls only one succeeds.

    Args:
        job_id: The job ID from the request, not validated.
        user_id: The user who must own the job.
        dispatcher: Stores the change and sends its message.
        rights: The rights of the user's session, or None for an operator: no right is checked.
        by: The user or operator, for the job's history.
        with_new_seed: Whether to choose a new seed. Otherwise the job keeps its seed.

    Raises:
        JobNotFound: If no such job exists, it is deleted or expired, or `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        JobConflict: If the job is live, has completed, or lacks a prompt, a duration, a known style or a known aspect
            ratio.
        PriorityForbidden: If the job has high priority and `rights` do not include it.
        ValidationFailed: If the job's request chose a provider that is not in `rights`.
        TooManyWaitingJobs: If the job would have to wait for a slot, and as many of the user's jobs as are allowed
            wait already.
        Unavailable: If MongoDB does not confirm, or if the job changes during each of `TRIES` tries. The job may be
            queued; repeat the call to find out.
    """

    def read() -> VideoJob:
        job = _read_retryable(job_id, user_id=user_id, dispatcher=dispatcher)
        if rights is not None:
            rights.check(job)
        return job

    def change(job: VideoJob, now: datetime) -> VideoJob:
        return lifecycle.retry(job, now, by, new_seed() if with_new_seed else None)

    return requeue_job(read, change, dispatcher=dispatcher)


def requeue_job(
    read: Callable[[], VideoJob], change: Callable[[VideoJob, datetime], VideoJob], *, dispatcher: JobDispatcher
) -> VideoJob:
    """Queue an ended job again, within its user's slots, and return it. Of concurrent calls only one succeeds.

    Args:
        read: Returns the ended job, or raises an error if it can't be queued. Called again if the job has changed.
        change: Returns the job queued at a time.
        dispatcher: Stores the change and sends its message.

    Raises:
        TooManyWaitingJobs: If the job would have to wait for a slot, and as many of the user's jobs as are allowed
            wait already.
        Unavailable: If MongoDB does not confirm, or if the job changes during each of `TRIES` tries. The job may be
            queued.
    """
    queued = None
    for _ in range(TRIES):
        job = read()
        user_id, now = job.user_id, dispatcher.clock.now()
        after = change(job, now)
        # Acquired again in each try, because a finished clean-up releases the job's slot and ends its waiting.
        has_slot = queued is not None and queued.waiting_since is None
        if has_slot and dispatcher.slots.acquire_waiting(user_id, job.priority, job.id, now):
            queued = after
        else:
            (queued,) = dispatcher.acquire_slots([after])
        try:
            queued = dispatcher.commit(job, queued)
        except LeaseLost:
            continue  # a clean-up was stored at the same time: try again
        break
    else:
        raise Unavailable
    logger.info("Job queued again", extra={"action": "job_retried", "job_id": job.id, "attempt": queued.attempt})
    dispatcher.dispatch(queued)
    if queued.waiting_since is not None:
        dispatcher.admit_waiting(user_id, queued.priority)
    return queued


def _read_retryable(job_id: str, *, user_id: UserId, dispatcher: JobDispatcher) -> VideoJob:
    job = read_job(job_id, user_id=user_id, jobs=dispatcher.jobs, clock=dispatcher.clock)
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}. Only a failed or cancelled job can be retried.")
    if job.status is JobStatus.COMPLETED:
        raise JobConflict("This video job has completed. Only a failed or cancelled job can be retried.")
    if not lifecycle.can_be_made(job):
        raise JobConflict("The request of this video job isn't valid, so it can't be retried. Please submit a new one.")
    return job
