"""How far behind the system is, measured each minute: what alarms look at when nothing else says a word."""

from datetime import datetime

from videojobs.domain.job import VideoJob
from videojobs.ports.jobs import Clock, JobRepository


def measure_delays(*, jobs: JobRepository, clock: Clock) -> dict[str, int]:
    """The ages in seconds of the oldest announcement nobody has heard and of the oldest job still queued; 0 for none.

    A job that waits behind others of its user is as it should be, and counts from when it was let in. One that the
    Express server left waits to be adopted. A few finds of one document, however many jobs there are.

    Raises:
        Unavailable: MongoDB does not answer.
    """
    now = clock.now()
    announced = min((each.at for job in jobs.find_unannounced(now, 1) for each in job.outbox), default=now)
    waiting = (*jobs.find_unadopted(now, 1), *jobs.find_startable())
    queued = [(now - _queued_since(job)).total_seconds() for job in waiting]
    return {
        "outbox_seconds": int((now - announced).total_seconds()),
        "oldest_queued_seconds": int(max([0.0, *queued])),
    }


def _queued_since(job: VideoJob) -> datetime:
    """Since its last change: one that its user has retried is older than that. Where it was let in, since then.

    A step that was sent again, or that an open circuit has put off, is due later than it is waited for.
    """
    if job.next is None or job.next.resends or job.started_at is not None:
        return job.updated_at
    return max(job.updated_at, job.next.due_at)
