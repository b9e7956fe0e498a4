"""Fetch of finished results whose host was not allowed when they were downloaded."""

from collections.abc import Iterator
from contextlib import contextmanager

from ops.errors import OpsError
from videojobs.domain.errors import JobConflict, JobNotFound
from videojobs.domain.job import JobId, VideoJob
from videojobs.domain.refused_result import describe_place, refused_link
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.fetch_result import AllowsResult, fetch_result, find_refused
from videojobs.services.job_dispatcher import JobDispatcher


def find_refused_job(job_id: JobId, *, jobs: JobRepository, clock: Clock, allows_result: AllowsResult) -> VideoJob:
    """Return the failed job, whose result was refused when it was fetched and is allowed now.

    Raises:
        OpsError: If there is no such job, its result was not refused or is still not allowed, or the options of the
            provider are invalid.
        Unavailable: If MongoDB does not respond.
    """
    with _explained(job_id):
        return find_refused(job_id, jobs=jobs, clock=clock, allows_result=allows_result)


def describe_fetch(job: VideoJob) -> str:
    """Return a description of the fetch of the job's result and of its cost, for the confirmation."""
    provider = job.provider.name if job.provider else "unknown"
    effect = f"The result of {provider} at {describe_place(refused_link(job) or '')} will be fetched."
    missing = len(job.production.plan.clips) - job.production.part if job.production else 0
    if missing:
        return f"{effect} Afterwards the {missing} missing parts of the video will be generated and billed."
    return f"{effect} Nothing is generated or billed."


def queue_fetch(job_id: JobId, *, dispatcher: JobDispatcher, allows_result: AllowsResult, by: str) -> str:
    """Queue the job to fetch its result, within its user's slots, and return a sentence for the operator `by`.

    Raises:
        OpsError: If the job was changed meanwhile, so that `find_refused_job` refuses it.
        Unavailable: If MongoDB does not respond; the job may have been queued.
    """
    with _explained(job_id):
        queued = fetch_result(job_id, dispatcher=dispatcher, allows_result=allows_result, by=by)
    waits = ", waiting for a slot" if queued.waiting_since is not None else ""
    return f"{job_id}: queued to fetch its result in attempt {queued.attempt}{waits}. Follow it with timeline {job_id}."


@contextmanager
def _explained(job_id: JobId) -> Iterator[None]:
    """Turn the errors of the service into an `OpsError`."""
    try:
        yield
    except JobNotFound:
        raise OpsError(f"Job {job_id} was not found. It does not exist, or it is deleted or expired.") from None
    except (JobConflict, TooManyWaitingJobs) as error:
        raise OpsError(f"Job {job_id} is unchanged. {error}") from error
    except ValueError as error:  # the options of the provider are invalid
        raise OpsError(f"Job {job_id} is unchanged. The deployed parameters are invalid: {error}") from error
