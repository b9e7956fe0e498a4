"""Take a new job: insert it with its first step in one write, then say so to the queue."""

import logging
from datetime import datetime, timedelta

from videojobs.domain import lifecycle
from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import IdempotencyKey, UserId, VideoJob
from videojobs.domain.request import NewJob
from videojobs.domain.trace import continued
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.announce_changes import announce_changes
from videojobs.services.manage_slots import acquire_slots, admit_waiting, release_slots
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
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    idempotency: IdempotencyKey | None = None,
) -> tuple[VideoJob, bool]:
    """Store the job as queued and send its first message; the job, and whether it is an earlier one of the same key.

    One over the user's cap waits, without a message, until one of the user's jobs ends. It is announced here, others
    by the worker that starts them. What can't be sent refuses nothing: it stands in the job, the reconciler sends
    it. Of any number of calls with one key at once, one makes the job and all others return it.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        Unavailable: MongoDB did not confirm the insert. The job may exist all the same, and is then worked on; a repeat
            with the same key finds it.
    """
    now = clock.now()
    new = lifecycle.accept(
        request,
        job_id=jobs.new_id(),
        user_id=user_id,
        now=now,
        idempotency=idempotency,
        traceparent=continued(),
    )
    (job,) = acquire_slots([new], slots=slots, now=now)
    try:
        stored = _store(job, jobs=jobs)
    except IdempotencyMismatch:
        release_slots([job], slots=slots)
        raise
    if stored is not job:
        release_slots([job], slots=slots)
        return stored, True
    logger.info("Job queued", extra={"action": "job_queued", "job_id": job.id})
    send_step(job, queue=queue, clock=clock)
    if job.waiting_since is not None:
        announce_changes(job, jobs=jobs, notifier=notifier)
        admit_waiting(user_id, job.priority, jobs=jobs, slots=slots, queue=queue, clock=clock)
    return job, False


def _store(job: VideoJob, *, jobs: JobRepository) -> VideoJob:
    """The job as it was stored, or the earlier one that holds the key."""
    for _ in range(KEY_TRIES):
        try:
            jobs.add(job)
        except IdempotencyKeyTaken:
            earlier = find_earlier_job(job.idempotency, user_id=job.user_id, now=job.created_at, jobs=jobs)
            if earlier is not None:
                return earlier
        else:
            return job
    raise Unavailable


def find_earlier_job(
    key: IdempotencyKey | None, *, user_id: UserId, now: datetime, jobs: JobRepository
) -> VideoJob | None:
    """The job that holds the key, unless it has held it for too long: then it lets go, and None.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
    """
    earlier = key and jobs.find_by_key(user_id, key.key)
    if not earlier or not key:
        return None
    if earlier.created_at + KEY_LIFETIME <= now:
        jobs.release_key(earlier)
        return None
    if earlier.idempotency is not None and earlier.idempotency.fingerprint != key.fingerprint:
        raise IdempotencyMismatch
    return earlier
