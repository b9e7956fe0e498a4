"""Submit a job: store it with its first step in one write, then send the step's message."""

import logging

from videojobs.domain import lifecycle
from videojobs.domain.errors import IdempotencyMismatch
from videojobs.domain.job import IdempotencyKey, UserId, VideoJob
from videojobs.domain.request import NewJob
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.domain.trace import continued
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.store_once import find_earlier, store_once

logger = logging.getLogger(__name__)


def submit_job(
    request: NewJob, *, user_id: UserId, dispatcher: JobDispatcher, idempotency: IdempotencyKey | None = None
) -> tuple[VideoJob, bool]:
    """Store a job as queued and send its first message.

    If the user has no free slot, the job waits without a message until one of the user's jobs ends. A waiting job is
    announced here; other jobs are announced by the worker that starts them. If the message can't be sent now, the
    reconciler sends it.

    Returns:
        The job, and whether it is an earlier job with the same idempotency key. Of any number of concurrent calls with
        the same key, only one stores the job, and all return it.

    Raises:
        IdempotencyMismatch: If the key belongs to another request.
        TooManyWaitingJobs: If the job is new and would have to wait for a slot, and as many of the user's jobs as are
            allowed wait already. Nothing is stored.
        Unavailable: If MongoDB does not confirm a write. The job may exist and is then processed; repeat the request
            with the same key to find it.
    """
    new = lifecycle.accept(
        request,
        job_id=dispatcher.jobs.new_id(),
        user_id=user_id,
        now=dispatcher.clock.now(),
        idempotency=idempotency,
        traceparent=continued(),
    )
    try:
        (job,) = dispatcher.acquire_slots([new])
    except TooManyWaitingJobs:
        earlier = find_earlier(idempotency, user_id=user_id, now=new.created_at, repository=dispatcher.jobs)
        if earlier is None:
            raise
        return earlier, True
    try:
        stored = store_once(job, lambda: dispatcher.jobs.add(job), repository=dispatcher.jobs)
    except IdempotencyMismatch:
        dispatcher.return_slots([job])
        raise
    if stored is not job:
        dispatcher.return_slots([job])
        return stored, True
    logger.info("Job queued", extra={"action": "job_queued", "job_id": job.id})
    dispatcher.send_step(job)
    if job.waiting_since is not None:
        dispatcher.announce(job)
        dispatcher.admit_waiting(user_id, job.priority)
    return job, False
