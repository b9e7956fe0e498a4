"""Read one job on behalf of its owner."""

import re

from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, UserId, VideoJob, is_object_id
from videojobs.ports.jobs import Clock, JobRepository

TRIES = 10
"""How often what a user wants of a job is tried: each is lost only to a step written in the same few milliseconds."""

_ADDRESS = re.compile(r"(s3|https?)://[!-~]+")


def read_job(job_id: str, *, user_id: UserId, jobs: JobRepository, clock: Clock) -> VideoJob:
    """The job, if it is the user's. The one place where ownership is checked.

    Raises:
        JobNotFound: no such job, `job_id` is no id, or the job is deleted or expired.
        JobForbidden: it is another user's.
        Unavailable: MongoDB does not answer.
    """
    if not is_object_id(job_id):
        raise JobNotFound
    job = jobs.find(JobId(job_id.lower()))
    if job is None or not job.is_shown(clock.now()):
        raise JobNotFound
    if job.user_id != user_id:
        raise JobForbidden
    return job


def locate_video(job: VideoJob) -> str:
    """Where a completed job's video lives: `s3://…`, or the URL of a provider that keeps it itself.

    Raises:
        JobConflict: there is none, or none yet.
    """
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}; there is no video yet.")
    # What the Express server stored was never checked, and the caller's browser is sent there.
    url = job.video_url if job.status is JobStatus.COMPLETED and isinstance(job.video_url, str) else ""
    if not _ADDRESS.fullmatch(url):
        raise JobConflict(f"This video job is {job.status}; there is no video.")
    return url
