"""Replay of failed jobs, with the same effect as a retry by their users."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ops.tables import draw_table
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.ports.jobs import JobRepository
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.retry_job import retry_job


def find_failed(
    job_ids: Sequence[JobId], code: str | None, since: datetime, limit: int, *, jobs: JobRepository
) -> list[VideoJob | JobId]:
    """Return up to `limit` jobs that failed with `code`, created since `since`; if `code` is None, those in `job_ids`.

    With `job_ids`, jobs in any status are returned, and a job that does not exist is returned as its ID.

    Raises:
        Unavailable: If MongoDB does not respond.
    """
    if code is not None:
        return list(jobs.find_failed(code, since, limit))
    return [jobs.find(job_id) or job_id for job_id in job_ids]


def replay_jobs(
    found: Iterable[VideoJob | JobId], *, dispatcher: JobDispatcher, by: str, width: int | None = None
) -> str:
    """Queue each failed job again, within its user's slots. Jobs that have not failed are left unchanged.

    So are failed jobs that would have to wait, if as many of the user's jobs as are allowed wait already.

    Return a table with the outcome of each job, for a terminal of `width` columns (None: unlimited), or a sentence if
    `found` is empty. A string in `found` is the ID of a job that does not exist. `by` is the operator, for the history.

    Raises:
        Unavailable: If MongoDB does not respond. The job in progress may have been queued, and the remaining jobs were
            not replayed; the command can be repeated.
    """

    def replay(job: VideoJob) -> str:
        try:
            queued = retry_job(job.id, user_id=job.user_id, dispatcher=dispatcher, rights=None, by=by)
        except (JobConflict, JobForbidden, JobNotFound, TooManyWaitingJobs) as refusal:
            return f"unchanged: {refusal}"
        waits = ", waiting for a slot" if queued.waiting_since is not None else ""
        return f"queued, attempt {queued.attempt}{waits}"

    rows = []
    for job in found:
        if isinstance(job, str):
            rows.append((job, "-", "not found"))
        elif job.status is not JobStatus.FAILED:
            rows.append((job.id, job.status.value, "unchanged: it has not failed"))
        else:
            rows.append((job.id, job.status.value, replay(job)))
    return draw_table(("JOB", "BEFORE", "RESULT"), rows, width=width) if rows else "No matching failed jobs."
