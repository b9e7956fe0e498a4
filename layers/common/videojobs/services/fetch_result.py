"""Fetch the result of a failed job on behalf of an operator, after its host was allowed."""

from collections.abc import Callable

from videojobs.domain.errors import JobConflict, JobNotFound
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.refused_result import describe_place, fetch_again, refused_link
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.read_job import find_shown
from videojobs.services.retry_job import requeue_job

type AllowsResult = Callable[[str, str], bool]
"""Function that returns whether a provider, given by its name, may fetch a result at a link."""


def fetch_result(job_id: JobId, *, dispatcher: JobDispatcher, allows_result: AllowsResult, by: str) -> VideoJob:
    """Queue a failed job again to fetch its finished result, and return it. Of concurrent calls only one succeeds.

    The job keeps its attempt, its provider task and its finished parts. The renderer asks the provider for the current
    link, because links expire. If the result can't be fetched, the job fails again, and no other generation is started.
    Parts that were not generated yet are generated afterwards.

    Args:
        job_id: The job.
        dispatcher: Stores the change and sends its message.
        allows_result: Checks the stored link against the settings of the deployment.
        by: The operator, for the job's history.

    Raises:
        JobNotFound: If the job does not exist, or is deleted or expired.
        JobConflict: If `find_refused` refuses the job.
        TooManyWaitingJobs: If the job would have to wait for a slot, and as many of the user's jobs as are allowed
            wait already.
        Unavailable: If MongoDB does not confirm, or if the job changes during each try. The job may be queued.
        ValueError: If the options of the provider are invalid.
    """

    def read() -> VideoJob:
        return find_refused(job_id, jobs=dispatcher.jobs, clock=dispatcher.clock, allows_result=allows_result)

    return requeue_job(read, lambda job, now: fetch_again(job, now, by), dispatcher=dispatcher)


def find_refused(job_id: JobId, *, jobs: JobRepository, clock: Clock, allows_result: AllowsResult) -> VideoJob:
    """Return the failed job, whose result was refused when it was fetched and is allowed now.

    Raises:
        JobNotFound: If the job does not exist, or is deleted or expired.
        JobConflict: If the job has not failed, has no link of a refused result, or the link is still not allowed. The
            message is for operators.
        Unavailable: If MongoDB does not respond in time.
        ValueError: If the options of the provider are invalid.
    """
    job = find_shown(job_id, jobs=jobs, clock=clock)
    if job is None:
        raise JobNotFound
    if job.status is not JobStatus.FAILED:
        raise JobConflict(f"The job is {job.status}. Only a failed job can fetch its result again.")
    link = refused_link(job)
    if link is None or job.provider is None:
        raise JobConflict("The job has no link of a result that was refused. Use replay to generate the video again.")
    if not allows_result(job.provider.name, link):
        raise JobConflict(
            f"{describe_place(link)} is not allowed for results of {job.provider.name} in this deployment. Allow it in "
            "the parameter ProviderOptions (docs/providers.md), deploy, and try again."
        )
    return job
