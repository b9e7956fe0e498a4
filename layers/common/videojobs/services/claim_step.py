"""Claim a job's next step by acquiring a lease on it."""

import logging
from uuid import uuid4

from videojobs.domain.job import JobId, Lease, VideoJob
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)


def claim_step(job_id: JobId, step_id: str, *, dispatcher: JobDispatcher) -> VideoJob | None:
    """Return the job with a new lease, or None if the message is a duplicate or stale or the step is already leased.

    Raises:
        Unavailable: If MongoDB does not respond in time; the step may have been leased.
    """
    now = dispatcher.clock.now()
    lease = Lease(uuid4().hex, now + dispatcher.policy.lease_duration)
    job = dispatcher.jobs.claim(job_id, step_id, lease, now)
    if job is None or job.next is None:
        logger.info("Step skipped", extra={"action": "step_skipped", "job_id": job_id})
        return None
    extra = {"action": "step_claimed", "job_id": job_id, "step": job.next.step, "attempt": job.attempt}
    logger.info("Step claimed", extra=extra)
    return job
