"""Read one job on behalf of its owner."""

import re

from videojobs.domain.errors import JobForbidden, JobNotFound
from videojobs.domain.job import JobId, UserId, VideoJob
from videojobs.ports import Clock, JobRepository

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


def read_job(job_id: str, *, user_id: UserId, jobs: JobRepository, clock: Clock) -> VideoJob:
    """The job, if it is the user's. The one place where ownership is checked.

    Raises:
        JobNotFound: no such job, `job_id` is no id, or the job has expired (MongoDB's sweep may come later).
        JobForbidden: it is another user's.
        Unavailable: MongoDB does not answer.
    """
    if not _OBJECT_ID.fullmatch(job_id):
        raise JobNotFound
    job = jobs.find(JobId(job_id.lower()))
    if job is None or (job.expires_at is not None and job.expires_at <= clock.now()):
        raise JobNotFound
    if job.user_id != user_id:
        raise JobForbidden
    return job
