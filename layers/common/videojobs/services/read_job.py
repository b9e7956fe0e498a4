"""Read a job on behalf of its owner."""

import re

from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound
from videojobs.domain.job import JobId, JobStatus, UserId, VideoJob, is_object_id
from videojobs.ports.jobs import Clock, JobRepository

TRIES = 10
"""How often a user's change of a job is tried. A try fails only if the job changes in the same few milliseconds."""

_ADDRESS = re.compile(r"(s3|https?)://[!-~]+")


def read_job(job_id: str, *, user_id: UserId, jobs: JobRepository, clock: Clock) -> VideoJob:
    """Return the user's job. This is the only function that checks the ownership of a job.

    Raises:
        JobNotFound: If no such job exists, if it is deleted or expired, or if `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        Unavailable: If MongoDB does not respond in time.
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
    """Return the URL of a completed job's video: `s3://…`, or that of a provider that stores the video itself.

    Raises:
        JobConflict: If the job has no video, or none yet.
    """
    if job.is_live:
        raise JobConflict(f"This video job is {job.status}. Its video is not ready yet.")
    # URLs stored by the Express server were never validated, and the caller's browser is redirected to this URL.
    url = job.video_url if job.status is JobStatus.COMPLETED and isinstance(job.video_url, str) else ""
    if not _ADDRESS.fullmatch(url):
        raise JobConflict(f"This video job is {job.status}. It has no video.")
    return url
