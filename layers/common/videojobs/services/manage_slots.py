"""Fairness between users: each has so many places in a lane, what is over waits in order, each end lets the next in."""

import logging
from collections.abc import Sequence
from datetime import datetime

from videojobs.domain import lifecycle
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, UserSlots
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)


def acquire_slots(queued: Sequence[VideoJob], *, slots: SlotRepository, now: datetime) -> list[VideoJob]:
    """Jobs of one user and lane that are about to be stored as queued: the first ones in, the others waiting.

    A crash before they are stored leaves ids in the share that belong to nobody; `check_slots` finds them.
    """
    first = queued[0]
    places = slots.acquire(first.user_id, first.priority, [job.id for job in queued], now)
    return [*queued[:places], *(lifecycle.wait_for_slot(job, now) for job in queued[places:])]


def release_slots(never_stored: Sequence[VideoJob], *, slots: SlotRepository) -> None:
    """Take jobs out of their shares that will not be stored after all."""
    for job in never_stored:
        if job.waiting_since is None:
            slots.release(job.user_id, job.priority, [job.id])


def release_slot(job: VideoJob, *, jobs: JobRepository, slots: SlotRepository, queue: JobQueue, clock: Clock) -> None:
    """A job has ended: its place goes to whoever has waited longest.

    Idempotent. If MongoDB does not answer, the place stays taken until the reconciler compares share and jobs.
    """
    try:
        if slots.release(job.user_id, job.priority, [job.id]):
            admit_waiting(job.user_id, job.priority, jobs=jobs, slots=slots, queue=queue, clock=clock)
    except Unavailable:
        extra = {"action": "place_not_freed", "job_id": job.id}
        logger.warning("Place not freed, the reconciler will", extra=extra, exc_info=True)


def admit_waiting(
    user_id: UserId,
    priority: Priority,
    *,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    clock: Clock,
) -> None:
    """Let jobs in, the longest waiting first, until there is no room or nobody waits.

    Safe when many do it at once: an id stands in the share once, and one of them writes that the job is in.

    Raises:
        Unavailable: MongoDB does not answer; the reconciler goes on.
    """
    seen_at = clock.now()
    for _ in range(slots.cap):
        job = jobs.find_waiting(user_id, priority)
        if job is None:
            slots.clear_waiting(user_id, priority, seen_at)
            return
        now = clock.now()
        if not slots.acquire_waiting(user_id, priority, job.id, now):
            return
        after = lifecycle.admit(job, now)
        if jobs.save(job, after):
            logger.info("Job let in", extra={"action": "job_let_in", "job_id": job.id})
            send_step(after, queue=queue, clock=clock)
        elif not _is_active(jobs.find(job.id)):
            slots.release(user_id, priority, [job.id])


def check_slots(
    share: UserSlots, *, jobs: JobRepository, slots: SlotRepository, queue: JobQueue, clock: Clock
) -> list[JobId]:
    """Compare a share with the jobs: take out what has ended, never was, or waits, let in who waits; the ids taken out.

    One that waits although it is in was retried when a crash had left its place taken: nobody could come in before it.

    An id without a job may be one that is about to be stored: the second in which an id was made stands in its first
    eight digits (https://www.mongodb.com/docs/manual/reference/bson-types/#objectid).
    """
    now = clock.now()
    oldest_new = f"{int((now - GRACE).timestamp()):08x}"
    gone = []
    for job_id in share.active:
        job = jobs.find(job_id)
        if not _is_active(job) and (job is not None or job_id[:8] < oldest_new):
            gone.append(job_id)
    if gone:
        slots.release(share.user_id, share.priority, gone)
        logger.warning("Places freed", extra={"action": "places_freed", "places": len(gone)})
    admit_waiting(share.user_id, share.priority, jobs=jobs, slots=slots, queue=queue, clock=clock)
    slots.mark_checked(share, now)
    return gone


def _is_active(job: VideoJob | None) -> bool:
    return job is not None and job.is_live and job.waiting_since is None
