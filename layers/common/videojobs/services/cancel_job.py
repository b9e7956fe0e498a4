"""Cancel a job. If it ends at the same moment, report which came first."""

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict, LeaseLost, Unavailable
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.read_job import TRIES, read_job


def cancel_job(job_id: str, *, user_id: UserId, dispatcher: JobDispatcher) -> VideoJob:
    """Cancel the user's job and return it. Idempotent.

    A worker that holds the job's lease finds at its next write that it has lost it. A clean-up step then stops the
    provider task and removes the files in the bucket.

    Raises:
        JobNotFound: If no such job exists, it is deleted or expired, or `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        JobConflict: If the job has completed or failed.
        Unavailable: If MongoDB does not confirm, or if the job changes during each of `TRIES` tries. The job may be
            cancelled; repeat the call to find out.
    """
    for _ in range(TRIES):
        job = read_job(job_id, user_id=user_id, jobs=dispatcher.jobs, clock=dispatcher.clock)
        if job.status is JobStatus.CANCELLED:
            return job
        if not job.is_live:
            raise JobConflict(f"This video job has already {job.status}. It can't be cancelled any more.")
        try:
            cancelled = dispatcher.commit(job, lifecycle.cancel(job, dispatcher.clock.now(), dispatcher.policy))
        except LeaseLost:
            continue
        dispatcher.dispatch(cancelled)
        return cancelled
    raise Unavailable
