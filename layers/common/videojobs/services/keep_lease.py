"""Renewal of the lease on a job during a call that can last longer than the lease."""

import logging
from contextlib import AbstractContextManager
from dataclasses import replace

from videojobs.domain import deadlines
from videojobs.domain.errors import LeaseLost, Unavailable
from videojobs.domain.job import VideoJob
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3
"""Renewals while a lease lasts: one can fail, after the timeout of MongoDB, and the next is still in time."""


def keep_lease(job: VideoJob, *, dispatcher: JobDispatcher) -> AbstractContextManager[None]:
    """Return a context in which the lease on the job is renewed in the background.

    Each renewal is a write with the guard of `JobRepository.save`, so a lease that was lost is not renewed. It never
    interrupts the caller: if MongoDB does not respond, this is logged, and the next renewal tries again. After a crash,
    the lease expires `StepPolicy.lease_duration` after the last renewal at the latest. After the job's deadline it is
    not renewed, so that the reconciler can fail the job in time.
    """

    def renew() -> bool:
        if deadlines.is_past_deadline(job, dispatcher.clock.now(), dispatcher.policy):
            return False
        try:
            dispatcher.commit(job, with_renewed_lease(job, dispatcher=dispatcher))
        except LeaseLost:  # the caller learns it from its own write
            return False
        except Unavailable:
            extra = {"action": "lease_not_renewed", "job_id": job.id}
            logger.warning("Lease not renewed; the next renewal will retry", extra=extra, exc_info=True)
        return True

    return dispatcher.clock.every(dispatcher.policy.lease_duration / RENEWALS_PER_LEASE, renew)


def with_renewed_lease(job: VideoJob, *, dispatcher: JobDispatcher) -> VideoJob:
    """Return the job with the same lease, which lasts from now on. Nothing is written."""
    until = dispatcher.clock.now() + dispatcher.policy.lease_duration
    return replace(job, lease=job.lease and job.lease._replace(until=until))
