"""Tell whoever listens that a job has changed: what `functions/notifier` does with each event."""

import logging
from collections.abc import Sequence

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId
from videojobs.ports.changes import Change, Listener
from videojobs.ports.jobs import JobRepository

logger = logging.getLogger(__name__)


def notify_change(event_id: str, job_id: JobId, *, jobs: JobRepository, listeners: Sequence[Listener]) -> None:
    """Read the job once and hand it to each listener; one that fails holds up no other.

    The job is read as it stands now, at the event's version or beyond it: events that come late or out of order tell
    nothing old. At least once, under the event's id.

    Raises:
        Unavailable: MongoDB, or what a listener needs, does not answer. The event should be delivered again, to all
            listeners, who know it by its id.
    """
    job = jobs.find(job_id)
    if job is None or job.deleted_at is not None:
        logger.info("The job is gone", extra={"action": "change_superseded", "job_id": job_id})
        return
    failed: Unavailable | None = None
    for tell in listeners:
        try:
            tell(Change(event_id, job))
        except Unavailable as error:
            failed = error
    if failed is not None:
        raise failed
    logger.info("Change told", extra={"action": "change_published", "job_id": job_id, "version": job.version})
