"""Have failed jobs done again, as their users' own retry would."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ops.tables import draw_table
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.retry_job import retry_job

BY = "an operator"


def find_failed(
    job_ids: Sequence[JobId], code: str | None, since: datetime, limit: int, *, jobs: JobRepository
) -> list[VideoJob | JobId]:
    """Those that were named, each as its id where it is no more; without names those that failed with a code."""
    if code is not None:
        return list(jobs.find_failed(code, since, limit))
    return [jobs.find(job_id) or job_id for job_id in job_ids]


def replay_jobs(
    found: Iterable[VideoJob | JobId],
    *,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
) -> str:
    """Queue each anew that has failed, within its user's share; the table of what came of it. Repeated, it leaves alone
    those that it has queued.

    Raises:
        Unavailable: MongoDB does not answer; what is in the table's place was not tried any more.
    """

    def replay(job: VideoJob) -> str:
        ports: dict[str, Any] = {"jobs": jobs, "slots": slots, "queue": queue, "notifier": notifier, "clock": clock}
        try:
            queued = retry_job(job.id, user_id=job.user_id, by=BY, **ports)
        except (JobConflict, JobForbidden, JobNotFound) as refusal:
            return f"left alone: {refusal}"
        waits = " and waits for its user's turn" if queued.waiting_since is not None else ""
        return f"queued, attempt {queued.attempt}{waits}"

    rows = []
    for job in found:
        if isinstance(job, str):
            rows.append((job, "-", "there is no such job"))
        elif job.status is not JobStatus.FAILED:
            rows.append((job.id, job.status.value, "left alone: it has not failed"))
        else:
            rows.append((job.id, job.status.value, replay(job)))
    return draw_table(("JOB", "WAS", "NOW"), rows) if rows else "No job has failed like that."
