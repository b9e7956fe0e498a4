"""Take a new job: insert it with its first step in one write, then say so to the queue."""

import logging
from datetime import timedelta

from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import (
    Announcement,
    HistoryEntry,
    IdempotencyKey,
    JobStatus,
    NewJob,
    NextStep,
    Step,
    UserId,
    VideoJob,
)
from videojobs.ports import Clock, JobQueue, JobRepository
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)

KEY_LIFETIME = timedelta(hours=24)
"""How long an idempotency key names one request; then it may name another, though its job lives on."""

KEY_TRIES = 5
"""A key that has run out is released and then anybody's again: of those who race for it one gets it in each round."""


def submit_job(
    request: NewJob,
    *,
    user_id: UserId,
    jobs: JobRepository,
    queue: JobQueue,
    clock: Clock,
    idempotency: IdempotencyKey | None = None,
) -> tuple[VideoJob, bool]:
    """Store the job as queued and send its first message; the job, and whether it is an earlier one of the same key.

    A message that can't be sent refuses nothing: the job keeps its `next`, and the reconciler sends it. Of any number
    of calls with one key at once, one makes the job and all others return it.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        Unavailable: MongoDB did not confirm the insert. The job may exist all the same, and is then worked on; a repeat
            with the same key finds it.
    """
    job = _new_job(request, user_id=user_id, jobs=jobs, clock=clock, idempotency=idempotency)
    for _ in range(KEY_TRIES):
        try:
            jobs.add(job)
        except IdempotencyKeyTaken:
            earlier = _find_earlier(job, jobs=jobs)
            if earlier is not None:
                return earlier, True
        else:
            break
    else:
        raise Unavailable
    logger.info("Job queued", extra={"action": "job_queued", "job_id": job.id})
    send_step(job, queue=queue, clock=clock)
    return job, False


def _new_job(
    request: NewJob, *, user_id: UserId, jobs: JobRepository, clock: Clock, idempotency: IdempotencyKey | None
) -> VideoJob:
    now = clock.now()
    return VideoJob(
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
        next=NextStep.new(Step.START, due_at=now),
        outbox=(Announcement.of(1, now),),
        history=(HistoryEntry(now, JobStatus.QUEUED, "accepted"),),
        idempotency=idempotency,
    )


def _find_earlier(job: VideoJob, *, jobs: JobRepository) -> VideoJob | None:
    """The job that holds the key, unless it has held it for too long: then it lets go, and None."""
    key = job.idempotency
    earlier = key and jobs.find_by_key(job.user_id, key.key)
    if not earlier or not key:
        return None
    if earlier.created_at + KEY_LIFETIME <= job.created_at:
        jobs.release_key(earlier)
        return None
    if earlier.idempotency is not None and earlier.idempotency.fingerprint != key.fingerprint:
        raise IdempotencyMismatch
    return earlier
