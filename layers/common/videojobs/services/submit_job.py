"""Take a new job: insert it with its first step in one write, then say so to the queue."""

import logging

from videojobs.domain.job import HistoryEntry, JobStatus, NewJob, NextStep, Step, UserId, VideoJob
from videojobs.ports import Clock, JobQueue, JobRepository
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)


def submit_job(request: NewJob, *, user_id: UserId, jobs: JobRepository, queue: JobQueue, clock: Clock) -> VideoJob:
    """Store the job as queued and send its first message.

    A message that can't be sent refuses nothing: the job keeps its `next`, and the reconciler sends it.

    Raises:
        Unavailable: MongoDB did not confirm the insert. The job may exist all the same, and is then worked on.
    """
    now = clock.now()
    first = NextStep.new(Step.START, due_at=now)
    job = VideoJob(
        id=jobs.new_id(),
        user_id=user_id,
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        status=JobStatus.QUEUED,
        created_at=now,
        updated_at=now,
        version=1,
        next=first,
        history=(HistoryEntry(now, JobStatus.QUEUED, "accepted"),),
    )
    jobs.add(job)
    logger.info("Job queued", extra={"action": "job_queued", "job_id": job.id})
    send_step(job, queue=queue, clock=clock)
    return job
