"""The net below everything: what a crash or a lost message left behind is found here and set going again."""

import logging
from datetime import timedelta

from videojobs.domain import lifecycle
from videojobs.ports import Clock, JobQueue, JobRepository
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=30)
"""How long a message may take before its step counts as overdue."""
PAGE = 100
"""Jobs per query; a sweep goes on, page by page, until it has looked at `LIMIT`."""
LIMIT = 5000


def reconcile_jobs(*, jobs: JobRepository, queue: JobQueue, clock: Clock) -> int:
    """Send the messages of overdue steps again, with the same step id; returns how many.

    Two sweeps at once do no harm: putting the due time off is a guarded write that one of them wins, and a message too
    many finds nothing to claim.

    Raises:
        Unavailable: MongoDB does not answer; the next minute tries again.
    """
    sent = looked_at = 0
    while looked_at < LIMIT:
        now = clock.now()
        overdue = list(jobs.find_overdue(now - GRACE, now, PAGE))
        for job in overdue:
            postponed = lifecycle.send_again(job, now)
            if jobs.save(job, postponed):
                extra = {"action": "step_resent", "job_id": job.id, "resends": job.next.resends if job.next else None}
                logger.warning("Step was overdue", extra=extra)
                sent += send_step(job, queue=queue, clock=clock)
        looked_at += len(overdue)
        if len(overdue) < PAGE:
            break
    return sent
