"""Win the right to work on a job's next step, or learn that there is nothing to do."""

import logging
from datetime import timedelta
from uuid import uuid4

from videojobs.domain.errors import LeaseLost
from videojobs.domain.job import JobId, Lease, VideoJob
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.log_transition import log_transition

logger = logging.getLogger(__name__)


def claim_step(
    job_id: JobId, step_id: str, *, jobs: JobRepository, clock: Clock, lease_duration: timedelta
) -> VideoJob | None:
    """The job with our lease on it; None when the message is a duplicate, stale, or somebody works on it already."""
    now = clock.now()
    job = jobs.claim(job_id, step_id, Lease(uuid4().hex, now + lease_duration), now)
    if job is None or job.next is None:
        logger.info("Nothing to do", extra={"action": "step_skipped", "job_id": job_id})
        return None
    extra = {"action": "step_claimed", "job_id": job_id, "step": job.next.step, "attempt": job.attempt}
    logger.info("Step claimed", extra=extra)
    return job


def save_or_stop(before: VideoJob, after: VideoJob, *, jobs: JobRepository) -> VideoJob:
    """Write under our lease and return what is now stored.

    Raises:
        LeaseLost: the job moved on without us.
        Unavailable: MongoDB did not confirm; the write may have landed.
    """
    if not jobs.save(before, after):
        raise LeaseLost
    log_transition(before, after)
    return after
