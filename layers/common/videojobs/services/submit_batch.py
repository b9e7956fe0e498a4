"""Submit up to fifty jobs in one request: all of them are stored, or none."""

import logging
from collections.abc import Sequence

from videojobs.domain import lifecycle
from videojobs.domain.errors import IdempotencyMismatch
from videojobs.domain.job import Batch, IdempotencyKey, UserId, VideoJob
from videojobs.domain.request import NewJob
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.domain.trace import continued
from videojobs.ports.jobs import BatchRepository
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.store_once import find_earlier, store_once

logger = logging.getLogger(__name__)


def submit_batch(
    requests: Sequence[NewJob],
    *,
    user_id: UserId,
    dispatcher: JobDispatcher,
    batches: BatchRepository,
    idempotency: IdempotencyKey | None = None,
) -> tuple[Batch, bool]:
    """Store a batch with its jobs in one transaction, and send their first messages as `submit_job` does.

    Returns:
        The batch, with its job IDs in the order of the requests, and whether it is an earlier batch with the same key.

    Raises:
        IdempotencyMismatch: If the key belongs to another batch.
        TooManyWaitingJobs: If the batch is new and more of the user's jobs would wait for a slot than are allowed.
            Nothing is stored.
        Unavailable: If MongoDB does not confirm a write. Either everything is stored, or nothing; repeat the request
            with the same key to find out.
    """
    now, batch_id = dispatcher.clock.now(), batches.new_id()
    accepted = [
        lifecycle.accept(
            request,
            job_id=dispatcher.jobs.new_id(),
            user_id=user_id,
            now=now,
            batch_id=batch_id,
            traceparent=continued(),
        )
        for request in requests
    ]
    job_ids = tuple(job.id for job in accepted)
    batch = Batch(batch_id, user_id, job_ids, now, now + 2 * dispatcher.policy.retention, idempotency)
    try:
        jobs = dispatcher.acquire_slots(accepted)
    except TooManyWaitingJobs:
        earlier = find_earlier(idempotency, user_id=user_id, now=now, repository=batches)
        if earlier is None:
            raise
        return earlier, True
    try:
        stored = store_once(batch, lambda: batches.add(batch, jobs), repository=batches)
    except IdempotencyMismatch:
        dispatcher.return_slots(jobs)
        raise
    if stored is not batch:
        dispatcher.return_slots(jobs)
        return stored, True
    logger.info("Batch queued", extra={"action": "batch_queued", "batch_id": batch.id, "jobs": len(jobs)})
    for job in jobs:
        dispatcher.send_step(job)
    waiting = [job for job in jobs if job.waiting_since is not None]
    _announce_all(waiting, dispatcher=dispatcher)
    for priority in {job.priority for job in waiting}:
        dispatcher.admit_waiting(user_id, priority)
    return batch, False


def _announce_all(waiting: Sequence[VideoJob], *, dispatcher: JobDispatcher) -> None:
    for job in waiting:
        if dispatcher.announce(job).outbox:
            return  # an unavailable service would cost its timeout for each job
