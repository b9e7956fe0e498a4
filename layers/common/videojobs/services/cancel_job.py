"""Cancel a job on behalf of its owner, and tell the truth about who was first."""

from videojobs.domain import lifecycle
from videojobs.domain.errors import JobConflict, Unavailable
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.follow_up import follow_up
from videojobs.services.log_transition import log_transition
from videojobs.services.read_job import TRIES, read_job


def cancel_job(
    job_id: str,
    *,
    user_id: UserId,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    policy: StepPolicy,
) -> VideoJob:
    """The job, cancelled; idempotent. Of cancel and finish one is written, and the other learns of it.

    Whoever works on the job finds the lease gone at the next write. What was begun at the provider and in the bucket is
    cleaned up by the worker.

    Raises:
        JobNotFound, JobForbidden: as `read_job` says.
        JobConflict: it has ended otherwise.
        Unavailable: MongoDB did not confirm; the job may be cancelled all the same. A repeat tells.
    """
    for _ in range(TRIES):
        job = read_job(job_id, user_id=user_id, jobs=jobs, clock=clock)
        if job.status is JobStatus.CANCELLED:
            return job
        if not job.is_live:
            raise JobConflict(f"This video job has {job.status} already; it can't be cancelled any more.")
        cancelled = lifecycle.cancel(job, clock.now(), policy)
        if jobs.save(job, cancelled):
            log_transition(job, cancelled)
            follow_up(cancelled, jobs=jobs, slots=slots, queue=queue, notifier=notifier, clock=clock)
            return cancelled
    raise Unavailable
