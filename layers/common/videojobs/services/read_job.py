"""Read a job on behalf of its owner."""

from collections.abc import Callable

from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, UserId, VideoJob, is_object_id
from videojobs.domain.storage import is_web_url
from videojobs.ports.jobs import Clock, JobRepository

TRIES = 10
"""How often a user's change of a job is tried. A try fails only if the job changes in the same few milliseconds."""


def read_job(job_id: str, *, user_id: UserId, jobs: JobRepository, clock: Clock) -> VideoJob:
    """Return the user's job. This is the only function that checks the ownership of a job.

    Raises:
        JobNotFound: If no such job exists, if it is deleted or expired, or if `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        Unavailable: If MongoDB does not respond in time.
    """
    if not is_object_id(job_id):
        raise JobNotFound
    job = find_shown(JobId(job_id.lower()), jobs=jobs, clock=clock)
    if job is None:
        raise JobNotFound
    if job.user_id != user_id:
        raise JobForbidden
    return job


def find_shown(job_id: JobId, *, jobs: JobRepository, clock: Clock) -> VideoJob | None:
    """Return a job that its owner can see, or None if it does not exist or is malformed, deleted or expired.

    Raises:
        Unavailable: If MongoDB does not answer.
    """
    job = jobs.find(job_id)
    return job if job is not None and job.is_shown(clock.now()) else None


def locate_video(job: VideoJob, *, sign: Callable[[str], str | None]) -> str:
    """Return the URL of a completed job's video: presigned, or that of a provider that stores the video itself.

    `sign` makes a presigned URL of an `s3://` URL, or returns None if the object is not one of a job.

    Raises:
        JobConflict: If the job has no video, or none yet.
    """
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}. Its video is not ready yet.")
    # URLs stored by the Express server were never validated, and the caller's browser is redirected to this URL.
    url = job.video_url if job.status is JobStatus.COMPLETED else None
    if isinstance(url, str) and is_web_url(url):
        return url
    signed = sign(url) if isinstance(url, str) and url.startswith("s3://") else None
    if signed is None:
        raise JobConflict(f"This video job is {job.status}. It has no video.")
    return signed
