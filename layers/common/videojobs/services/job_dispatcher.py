"""Dispatcher of jobs: stores their changes, sends their messages, publishes their changes and manages their slots."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from videojobs.domain import deadlines, lifecycle
from videojobs.domain.errors import LeaseLost, Unavailable
from videojobs.domain.job import JobId, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, TooManyWaitingJobs, UserSlots
from videojobs.domain.trace import following
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.log_transition import log_transition

logger = logging.getLogger(__name__)


class JobDispatcher:
    """Stores changes of jobs, and sends the messages and announcements that follow from them.

    Every change of a stored job goes through `commit`. The actions after a commit (sending the step's message,
    publishing the announcement, releasing the slot of an ended job) may fail: the job contains all that is needed, and
    the reconciler repeats them.
    """

    def __init__(
        self,
        *,
        jobs: JobRepository,
        slots: SlotRepository,
        queue: JobQueue,
        notifier: Notifier,
        clock: Clock,
        policy: StepPolicy,
    ) -> None:
        self.jobs, self.slots, self.queue, self.notifier = jobs, slots, queue, notifier
        self.clock, self.policy = clock, policy

    def commit(self, before: VideoJob, after: VideoJob, *, level: int = logging.INFO, because: str = "") -> VideoJob:
        """Store a change, with its next step due at the job's deadline at the latest, and log the transition.

        Args:
            before: The job as it was read; the write is guarded by its status, attempt, next step and lease.
            after: The changed job.
            level: The level of the log line, if the status changes.
            because: The reason for the log line, if the status changes for another reason than the step's outcome.

        Returns:
            The changed job as stored.

        Raises:
            LeaseLost: If the stored job has changed since `before` was read; nothing is written.
            Unavailable: If MongoDB does not confirm the write, which may have been applied.
        """
        after = deadlines.cap_to_deadline(after, self.policy)
        if not self.jobs.save(before, after):
            raise LeaseLost
        log_transition(before, after, level=level, because=because)
        return after

    def dispatch(self, job: VideoJob) -> None:
        """Send the message of the job's next step, publish its outbox and, if the job has ended, release its slot.

        If MongoDB or SQS does not respond, this is logged and not raised: the reconciler repeats the action.
        """
        self.send_step(job)
        self.announce(job)
        if not job.is_live:
            self.release_slot(job)

    def send_step(self, job: VideoJob) -> None:
        """Send the message of `job.next`, to arrive when the step is due. Do nothing for a job without a next step.

        If the step is due after the queue's maximum delay, or if SQS does not respond (logged, not raised), the
        reconciler sends the message later.
        """
        if job.next is None:
            return
        delay_seconds = max((job.next.due_at - self.clock.now()).total_seconds(), 0.0)
        if delay_seconds > self.queue.maximum_delay_seconds:
            return
        try:
            self.queue.send(job, delay_seconds=delay_seconds)
        except Unavailable:
            extra = {"action": "step_not_sent", "job_id": job.id, "step": job.next.step}
            logger.warning("Message not sent; the reconciler will retry", extra=extra, exc_info=True)

    def announce(self, job: VideoJob) -> VideoJob:
        """Publish the job's outbox and empty it, at least once. Return the job as stored afterwards.

        After a crash, or if MongoDB or SQS does not respond (logged, not raised), the outbox is kept and the reconciler
        publishes it again with the same IDs.
        """
        if not job.outbox:
            return job
        try:
            with following(job.traceparent):
                self.notifier.publish(job.id, job.outbox)
            self.jobs.mark_announced(job.id, job.outbox)
        except Unavailable:
            extra = {"action": "publish_failed", "job_id": job.id}
            logger.warning("Publish failed; the reconciler will retry", extra=extra, exc_info=True)
            return job
        return replace(job, outbox=())

    def acquire_slots(self, queued: Sequence[VideoJob]) -> list[VideoJob]:
        """Acquire slots for new jobs of one user, for all of them or for none. Return the jobs to store, by priority.

        Excess jobs wait for a slot. After a crash before the jobs are stored, `check_slots` removes them from the
        slots.

        Raises:
            TooManyWaitingJobs: If more of the user's jobs would wait than are allowed.
            Unavailable: If MongoDB does not respond in time; slots may have been acquired.
        """
        acquired: list[VideoJob] = []
        for group in _by_priority(queued):
            first, now = group[0], self.clock.now()
            try:
                count = self.slots.acquire(first.user_id, first.priority, [job.id for job in group], now)
            except TooManyWaitingJobs:
                self.return_slots(acquired)
                raise
            acquired += [*group[:count], *(lifecycle.wait_for_slot(job, now) for job in group[count:])]
        return acquired

    def return_slots(self, never_stored: Sequence[VideoJob]) -> None:
        """Release the slots of jobs that were not stored, end their waiting, and admit the user's waiting jobs.

        Raises:
            Unavailable: If MongoDB does not respond in time; `check_slots` releases the remaining slots.
        """
        for group in _by_priority(never_stored):
            first = group[0]
            if self.slots.release(first.user_id, first.priority, [job.id for job in group]):
                self.admit_waiting(first.user_id, first.priority)

    def release_slot(self, job: VideoJob) -> None:
        """Release the slot of an ended job and admit the user's waiting jobs. Idempotent.

        If MongoDB does not respond, this is logged and not raised: the slot stays taken until the reconciler checks it.
        """
        try:
            if self.slots.release(job.user_id, job.priority, [job.id]):
                self.admit_waiting(job.user_id, job.priority)
        except Unavailable:
            extra = {"action": "slot_not_released", "job_id": job.id}
            logger.warning("Slot release failed; the reconciler will retry", extra=extra, exc_info=True)

    def admit_waiting(self, user_id: UserId, priority: Priority) -> None:
        """Admit the user's waiting jobs, the longest waiting first, until no slot is free or no job waits.

        Concurrent calls are safe: a job holds at most one slot, and only one call stores its admission.

        Raises:
            Unavailable: If MongoDB does not respond; the reconciler admits the remaining jobs.
        """
        seen_at = self.clock.now()
        for _ in range(self.slots.cap):
            job = self.jobs.find_waiting(user_id, priority)
            if job is None:
                self.slots.clear_waiting(user_id, priority, seen_at)
                return
            now = self.clock.now()
            if not self.slots.acquire_waiting(user_id, priority, job.id, now):
                return
            try:
                admitted = self.commit(job, lifecycle.admit(job, now))
            except LeaseLost:
                if not _is_active(self.jobs.find(job.id)):
                    self.slots.release(user_id, priority, [job.id])
            else:
                logger.info("Job admitted", extra={"action": "job_admitted", "job_id": job.id})
                self.send_step(admitted)

    def check_slots(self, held: UserSlots) -> list[JobId]:
        """Compare a user's slots with the jobs, correct them, and admit waiting jobs.

        Released are the slots of jobs that have ended, wait or were never stored. Jobs that don't wait are removed from
        the waiting jobs, and jobs that wait are added.

        Returns:
            The IDs of the jobs whose slots were released. An ID that was created within `GRACE` and has no job yet
            is kept, because its job may be about to be stored.

        Raises:
            Unavailable: If MongoDB does not respond in time; the next sweep checks the slots again.
        """
        now = self.clock.now()
        oldest_new = (now - GRACE).replace(microsecond=0)
        gone = []
        for job_id in held.active:
            job = self.jobs.find(job_id)
            if not _is_active(job) and (job is not None or self.jobs.created_at(job_id) < oldest_new):
                gone.append(job_id)
        waiting = self.jobs.list_waiting(held.user_id, held.priority, self.slots.maximum_waiting)
        new = [job_id for job_id in held.waiting if self.jobs.created_at(job_id) >= oldest_new]
        active = tuple(job_id for job_id in held.active if job_id not in gone)
        self.slots.correct(held, held._replace(active=active, waiting=(*waiting, *new)))
        if gone:
            logger.warning("Slots released", extra={"action": "slots_released", "slots": len(gone)})
        self.admit_waiting(held.user_id, held.priority)
        self.slots.mark_checked(held, now)
        return gone


def _by_priority(jobs: Iterable[VideoJob]) -> list[list[VideoJob]]:
    return [list(group) for _, group in groupby(sorted(jobs, key=_priority), key=_priority)]


def _priority(job: VideoJob) -> str:
    return job.priority


def _is_active(job: VideoJob | None) -> bool:
    return job is not None and job.is_live and job.waiting_since is None
