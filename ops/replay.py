"""Have failed jobs done again, as their users' own retry would."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ops.tables import draw_table
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.ports.jobs import JobRepository
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.retry_job import retry_job

BY = "an operator"


def find_failed(
    job_ids: Sequence[JobId], code: str | None, since: datetime, limit: int, *, jobs: JobRepository
) -> list[VideoJob | JobId]:
    """Those that were named, each as its id where it is no more; without names those that failed with a code."""
    if code is not None:
        return list(jobs.find_failed(code, since, limit))
    return [jobs.find(job_id) or job_id for job_id in job_ids]


def replay_jobs(found: Iterable[VideoJob | JobId], *, dispatcher: JobDispatcher) -> str:
    """Queue each failed job again, within its user's slots. Jobs that a repeat finds queued are left alone.

    Returns:
        A table of what happened to each job.

    Raises:
        Unavailable: If MongoDB does not answer; the remaining jobs were not tried.
    """

    def replay(job: VideoJob) -> str:
        try:
            queued = retry_job(job.id, user_id=job.user_id, dispatcher=dispatcher, by=BY)
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
