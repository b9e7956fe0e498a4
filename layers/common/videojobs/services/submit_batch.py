"""Take up to fifty jobs in one request: all of them or none."""

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from videojobs.domain import lifecycle
from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import Batch, IdempotencyKey, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import NewJob
from videojobs.domain.trace import continued
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import BatchRepository, Clock, JobQueue, JobRepository
from videojobs.services.announce_changes import announce_changes
from videojobs.services.manage_slots import acquire_slots, admit_waiting, release_slots
from videojobs.services.send_step import send_step
from videojobs.services.submit_job import KEY_LIFETIME, KEY_TRIES

logger = logging.getLogger(__name__)


def submit_batch(
    requests: Sequence[NewJob],
    *,
    user_id: UserId,
    jobs: JobRepository,
    batches: BatchRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    policy: StepPolicy,
    idempotency: IdempotencyKey | None = None,
) -> tuple[Batch, bool]:
    """Store a batch with its jobs in one transaction; the batch, and whether it is an earlier one of the same key.

    Its jobs stand in the order of the requests. Those over the user's cap wait, and are announced here, the others by
    the worker that starts them. What can't be sent refuses nothing.

    Raises:
        IdempotencyMismatch: the key belongs to another batch.
        Unavailable: MongoDB did not confirm: all of it may be there, or nothing. A repeat with the same key tells.
    """
    now = clock.now()
    batch_id = batches.new_id()
    made = [
        lifecycle.accept(
            request, job_id=jobs.new_id(), user_id=user_id, now=now, batch_id=batch_id, traceparent=continued()
        )
        for request in requests
    ]
    job_ids = tuple(job.id for job in made)
    batch = Batch(batch_id, user_id, job_ids, now, now + 2 * policy.retention, idempotency)
    lanes = [list(lane) for _, lane in groupby(sorted(made, key=_lane), key=_lane)]
    placed = [job for lane in lanes for job in acquire_slots(lane, slots=slots, now=now)]
    try:
        stored = _store(batch, placed, batches=batches)
    except IdempotencyMismatch:
        release_slots(placed, slots=slots)
        raise
    if stored is not batch:
        release_slots(placed, slots=slots)
        return stored, True
    logger.info("Batch queued", extra={"action": "batch_queued", "batch_id": batch.id, "jobs": len(placed)})
    for job in placed:
        send_step(job, queue=queue, clock=clock)
    waiting = [job for job in placed if job.waiting_since is not None]
    _announce_each(waiting, jobs=jobs, notifier=notifier)
    for priority in {job.priority for job in waiting}:
        admit_waiting(user_id, priority, jobs=jobs, slots=slots, queue=queue, clock=clock)
    return batch, False


def _announce_each(waiting: Sequence[VideoJob], *, jobs: JobRepository, notifier: Notifier) -> None:
    for job in waiting:
        if announce_changes(job, jobs=jobs, notifier=notifier).outbox:
            return  # what does not answer now would be waited for each time


def _lane(job: VideoJob) -> str:
    return job.priority


def _store(batch: Batch, jobs: Sequence[VideoJob], *, batches: BatchRepository) -> Batch:
    """The batch as it was stored, or the earlier one that holds the key."""
    for _ in range(KEY_TRIES):
        try:
            batches.add(batch, jobs)
        except IdempotencyKeyTaken:
            earlier = find_earlier_batch(
                batch.idempotency, user_id=batch.user_id, now=batch.created_at, batches=batches
            )
            if earlier is not None:
                return earlier
        else:
            return batch
    raise Unavailable


def find_earlier_batch(
    key: IdempotencyKey | None, *, user_id: UserId, now: datetime, batches: BatchRepository
) -> Batch | None:
    """The batch that holds the key, unless it has held it for too long: then it lets go, and None.

    Raises:
        IdempotencyMismatch: the key belongs to another batch.
    """
    earlier = key and batches.find_by_key(user_id, key.key)
    if not earlier or not key:
        return None
    if earlier.created_at + KEY_LIFETIME <= now:
        batches.release_key(earlier)
        return None
    if earlier.idempotency is not None and earlier.idempotency.fingerprint != key.fingerprint:
        raise IdempotencyMismatch
    return earlier
