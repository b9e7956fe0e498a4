"""Recover jobs left behind by crashes or lost messages: resend overdue steps, and fail jobs past their deadline."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from videojobs.domain import deadlines, lifecycle
from videojobs.domain.errors import LeaseLost
from videojobs.domain.job import JobId, VideoJob
from videojobs.domain.slots import CHECK_EVERY, UserSlots
from videojobs.domain.trace import following
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=25)
"""How long after its due time a step is overdue, and how old a job of the Express server must be to be adopted."""
PAGE = 100
"""Items per page of a sweep."""
LIMIT = 5000
"""Maximum number of items per kind in a sweep. The next sweep starts a minute later."""


def reconcile_jobs(*, dispatcher: JobDispatcher) -> dict[str, int]:
    """Run one sweep and return its counts. Concurrent calls are safe: each change is a guarded write.

    The message of an overdue step is sent again with the same step ID. A job past its deadline fails.

    Returns:
        The number of steps `resent`, of jobs failed as `late`, of jobs `adopted` from the Express server, of outboxes
        `announced`, and of slots `freed` that a crash had left taken.

    Raises:
        Unavailable: If MongoDB does not respond in time; the next sweep tries again.
    """
    sweep, jobs, slots, now = _Sweep(dispatcher), dispatcher.jobs, dispatcher.slots, dispatcher.clock.now
    _page_through(lambda: jobs.find_unadopted(now() - GRACE, PAGE), _in_job_trace(sweep.adopt))
    _page_through(lambda: jobs.find_overdue(now() - GRACE, now(), PAGE), _in_job_trace(sweep.rescue))
    _page_through(lambda: jobs.find_unannounced(now() - GRACE, PAGE), _in_job_trace(sweep.announce))
    _page_through(lambda: slots.find_unchecked(now() - CHECK_EVERY, PAGE), sweep.check)
    return sweep.counts


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Handlers of a sweep. Each returns whether it has changed its item, so that the item is not found again."""

    dispatcher: JobDispatcher
    counts: dict[str, int] = field(
        default_factory=lambda: {"resent": 0, "late": 0, "adopted": 0, "announced": 0, "freed": 0}
    )

    def adopt(self, job: VideoJob) -> bool:
        dispatcher = self.dispatcher
        try:
            adopted = dispatcher.commit(job, lifecycle.adopt(job, dispatcher.clock.now(), dispatcher.policy))
        except LeaseLost:
            return False
        self.counts["adopted"] += 1
        logger.info("Job adopted", extra={"action": "job_adopted", "job_id": job.id})
        dispatcher.send_step(adopted)
        return True

    def rescue(self, job: VideoJob) -> bool:
        dispatcher, now = self.dispatcher, self.dispatcher.clock.now()
        late = deadlines.is_past_deadline(job, now, dispatcher.policy)
        if late:
            after = lifecycle.fail(job, lifecycle.DEADLINE_EXCEEDED, now, dispatcher.policy)
        else:
            after = deadlines.resend_later(job, now)
        try:
            after = dispatcher.commit(job, after, level=logging.WARNING, because="its deadline has passed")
        except LeaseLost:
            return False
        if late:
            self.counts["late"] += 1
            dispatcher.release_slot(after)
        else:
            self.counts["resent"] += 1
            logger.warning("Overdue step resent", extra={"action": "step_resent", "job_id": job.id})
            dispatcher.send_step(job)
        return True

    def announce(self, job: VideoJob) -> bool:
        announced = not self.dispatcher.announce(job).outbox
        self.counts["announced"] += announced
        return announced

    def check(self, held: UserSlots) -> bool:
        self.counts["freed"] += len(self.dispatcher.check_slots(held))
        return True


def resend_dead_letter(job_id: JobId, step_id: str, *, dispatcher: JobDispatcher) -> bool:
    """Send the step of a dead letter again, or fail its job if the deadline of the job has passed. Idempotent.

    An outage may be the reason that the message was received too often, so this does not end the job. A step that is
    not next, is leased or is not due is ignored: it is not due if its message was sent again meanwhile. Sweeps and dead
    letters together therefore send at most one message for a step per pause (`deadlines.resend_later`).

    Returns:
        Whether the job was changed.

    Raises:
        Unavailable: If MongoDB does not respond; the dead letter should be delivered again.
    """
    job, now = dispatcher.jobs.find(job_id), dispatcher.clock.now()
    if job is None or job.next is None or job.next.id != step_id or job.next.due_at > now:
        return False
    if job.lease is not None and job.lease.until > now:
        return False
    return _Sweep(dispatcher).rescue(job)


def _in_job_trace(handle: Callable[[VideoJob], bool]) -> Callable[[VideoJob], bool]:
    def handle_in_trace(job: VideoJob) -> bool:
        with following(job.traceparent):
            return handle(job)

    return handle_in_trace


def _page_through[T](find: Callable[[], Iterable[T]], handle: Callable[[T], bool]) -> None:
    """Handle the items page by page, until a page is not full, none of its items was changed or `LIMIT` is reached."""
    for _ in range(LIMIT // PAGE):
        handled = [handle(item) for item in find()]
        if len(handled) < PAGE or not any(handled):
            return
