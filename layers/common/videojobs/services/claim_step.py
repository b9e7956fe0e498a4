"""Claim a job's next step by acquiring a lease on it, and return a run that an outage ended."""

import logging
from dataclasses import replace
from uuid import uuid4

from videojobs.domain.errors import LeaseLost, Unavailable
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


def return_run(job: VideoJob, *, dispatcher: JobDispatcher) -> None:
    """Subtract a run that ended because a service did not respond, so that outages do not count as runs. Best effort.

    `job` is the claimed job. Nothing is changed if its lease was lost. If MongoDB does not respond, this is logged and
    not raised, and the run counts: an outage of MongoDB adds at most one run to a step, because later claims fail.
    """
    try:
        stored = dispatcher.jobs.find(job.id)
        if stored is None or stored.next is None or stored.lease is None or job.lease is None:
            return
        if stored.lease.token == job.lease.token:
            step = stored.next._replace(runs=stored.next.runs - 1)
            dispatcher.commit(stored, replace(stored, next=step))
    except (LeaseLost, Unavailable):
        extra = {"action": "run_not_returned", "job_id": job.id}
        logger.warning("Run not returned; it counts as a failed run", extra=extra, exc_info=True)
