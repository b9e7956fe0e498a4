"""Measure the delays of the outbox and of queued jobs. Runs each minute and feeds the delay alarms."""

from datetime import datetime

from videojobs.domain.job import VideoJob
from videojobs.ports.jobs import Clock, JobRepository


def measure_delays(*, jobs: JobRepository, clock: Clock) -> dict[str, int]:
    """Return the ages of the oldest unpublished announcement and of the oldest queued job, in seconds, 0 if none.

    The keys are `outbox_seconds` and `oldest_queued_seconds`. Jobs that wait for a slot are not counted, and an
    admitted job is counted from its admission. Jobs of the Express server that are to be adopted are counted. Takes a
    few finds of one document, independent of the number of jobs.

    Raises:
        Unavailable: If MongoDB does not respond in time.
    """
    now = clock.now()
    unannounced = jobs.find_unannounced(now, 1)
    announced_at = min((announcement.at for job in unannounced for announcement in job.outbox), default=now)
    queued = (*jobs.find_unadopted(now, 1), *jobs.find_startable())
    queued_seconds = [(now - _queued_since(job)).total_seconds() for job in queued]
    return {
        "outbox_seconds": int((now - announced_at).total_seconds()),
        "oldest_queued_seconds": int(max([0.0, *queued_seconds])),
    }


def _queued_since(job: VideoJob) -> datetime:
    """Return when a job was queued: at its last submission or retry, or at its admission if that is later.

    The due time is that of the admission, unless a resend or an open circuit has postponed the step.
    """
    if job.next is None or job.next.resends or job.started_at is not None:
        return job.updated_at
    return max(job.updated_at, job.next.due_at)
