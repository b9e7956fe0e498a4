"""Notify the listeners of a changed job. `functions/notifier` calls this service for each event."""

import logging
from collections.abc import Sequence

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId
from videojobs.ports.changes import Change, Listener
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.read_job import find_shown

logger = logging.getLogger(__name__)


def notify_change(
    event_id: str, job_id: JobId, *, jobs: JobRepository, clock: Clock, listeners: Sequence[Listener]
) -> None:
    """Read the job once and call each listener with it. A listener's `Unavailable` does not stop the others.

    Listeners get the current job, at the event's version or a later one, so that late or reordered events never deliver
    old data. Do nothing for a deleted or expired job. Delivery is at least once, with the event's ID.

    Raises:
        Unavailable: If MongoDB or a service that a listener needs does not respond. The event should be delivered again
            to all listeners, which recognise it by its ID.
    """
    job = find_shown(job_id, jobs=jobs, clock=clock)
    if job is None:
        extra = {"action": "change_superseded", "job_id": job_id}
        logger.info("Change not published; the job is deleted or expired", extra=extra)
        return
    failed: Unavailable | None = None
    for listener in listeners:
        try:
            listener(Change(event_id, job))
        except Unavailable as error:
            failed = error
    if failed is not None:
        raise failed
    logger.info("Change published", extra={"action": "change_published", "job_id": job_id, "version": job.version})
