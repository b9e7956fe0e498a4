"""Protocols for the repositories and queues of jobs. The adapters and the fakes of the tests implement them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from videojobs.domain.job import Announcement, Batch, BatchId, JobId, JobStatus, Lease, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.submissions import SubmissionState
from videojobs.ports.erasures import JobsLeft, MalformedJob


class Clock(Protocol):
    """Source of the current time, and of calls at regular intervals."""

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime in whole milliseconds, the precision of MongoDB."""
        ...

    def every(self, interval: timedelta, action: Callable[[], bool]) -> AbstractContextManager[None]:
        """Return a context in which `action` is called whenever `interval` has passed, until it returns False.

        The calls run in the background, one at a time. The end of the context waits for a call in progress; there are
        none afterwards.
        """
        ...


class Position(NamedTuple):
    """Position in a user's list of jobs, directly after the job with this creation time and ID."""

    created_at: datetime
    job_id: JobId


class JobQuery(NamedTuple):
    """Query for a user's jobs, the newest first: at most `limit` jobs after the position `after`."""

    limit: int
    after: Position | None = None
    status: JobStatus | None = None
    batch_id: BatchId | None = None


class KeyedRepository[T](Protocol):
    """A repository whose items can hold an idempotency key."""

    def find_by_key(self, user_id: UserId, key: str) -> T | None:
        """Return the user's item with this key, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def release_key(self, item: T, /) -> None:
        """Remove the item's key; idempotent. Raise `Unavailable` if MongoDB does not confirm; it may be removed."""
        ...


class JobRepository(Protocol):
    """Repository of jobs, the source of truth."""

    def new_id(self) -> JobId:
        """Return a new, unused job ID. Nothing is written."""
        ...

    def created_at(self, job_id: JobId) -> datetime:
        """Return when `new_id` created this ID, in whole seconds. Nothing is read."""
        ...

    def add(self, job: VideoJob) -> None:
        """Insert a new job in one write. Idempotent by `job.id`.

        Raises:
            IdempotencyKeyTaken: If the user has a job with that idempotency key. The unique index decides.
            Unavailable: If MongoDB does not respond in time; the job may have been inserted.
        """
        ...

    def find(self, job_id: JobId) -> VideoJob | None:
        """Return the stored job; None if none is readable. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Lease the job's next step and return the job, or None if the next step has another ID or a live lease.

        The step's due time becomes `now`, which ends a pause set by the reconciler, and its `runs` grow by one. Of
        concurrent calls exactly one gets the job. Raise `Unavailable` if MongoDB does not respond in time; the step may
        have been leased.
        """
        ...

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Write the differences, if the stored job still has `before`'s status, attempt, next step and lease token.

        Return whether the job was written. False means that it has changed meanwhile, for example by a cancellation or
        a lost lease. The attempt is compared because a job may be retried and cancelled between the read and the write.
        Raise `Unavailable` if MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """Return the user's job with this key, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def release_key(self, job: VideoJob) -> None:
        """Remove the job's key; idempotent. Raise `Unavailable` if MongoDB does not confirm; it may be removed."""
        ...

    def list_newest(
        self,
        user_id: UserId,
        now: datetime,
        *,
        limit: int,
        after: Position | None = None,
        status: JobStatus | None = None,
        batch_id: BatchId | None = None,
    ) -> list[VideoJob]:
        """Return up to `limit` of a user's jobs after `after`, by `(created_at, id)`, the newest first.

        If `status` and `batch_id` are given, both must match. Jobs that are not shown at `now` (`VideoJob.is_shown`)
        are left out. Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """Return the user's longest waiting job, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def list_waiting(self, user_id: UserId, priority: Priority, limit: int) -> list[JobId]:
        """Return the IDs of up to `limit` of the user's waiting jobs, the longest waiting first.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Return approximately how many queued jobs come before this queued job, at most `limit`.

        For a job that waits for a slot, count the user's jobs that wait longer. For any other job, count the queued
        jobs that were due earlier. Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def remove(self, job: VideoJob) -> bool:
        """Delete the job, guarded like `save`. Return False, with nothing deleted, if it has changed meanwhile.

        Raise `Unavailable` if MongoDB does not respond in time; the job may have been deleted.
        """
        ...

    def find_left(self, user_id: UserId, created_before: datetime, limit: int) -> JobsLeft:
        """Return up to `limit` of a user's jobs that were created up to a time: hidden, expired or malformed ones too.

        A job without a valid time of creation counts as created before. Served by the index `user_newest`.
        """
        ...

    def remove_malformed(self, malformed: MalformedJob) -> None:
        """Delete a job that can't be read. Idempotent."""
        ...

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` live jobs without a next step, which the Express server created before `created_before`.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` jobs, in any status, with an announcement before `announced_before`.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Remove outbox entries; idempotent. Raise `Unavailable` if MongoDB does not confirm; they may be removed."""
        ...

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` jobs created since `created_since` that failed with `code`, the oldest first.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def find_startable(self) -> list[VideoJob]:
        """Return the queued job that is due first and the one that is due last, or an empty list.

        Each resend moves the due time, so the job that is due last has usually waited longest. Jobs that wait for a
        slot are not included. A single job is returned twice. Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` jobs, live or ended, whose next step was due before `due_before` and has no live lease.

        Within each status, the longest overdue jobs come first. Raise `Unavailable` if MongoDB does not respond in
        time.
        """
        ...


class BatchRepository(Protocol):
    """Repository of batches."""

    def new_id(self) -> BatchId:
        """Return a new, unused batch ID. Nothing is written."""
        ...

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert the batch and all of its jobs, or nothing, in one transaction. Idempotent by `batch.id`.

        Raises:
            IdempotencyKeyTaken: If the user has a batch with that idempotency key. The unique index decides.
            Unavailable: If MongoDB does not respond in time. Either everything was inserted, or nothing.
        """
        ...

    def find(self, batch_id: BatchId) -> Batch | None:
        """Return the batch, or None if there is none. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """Return the user's batch with this key, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def release_key(self, batch: Batch) -> None:
        """Remove the batch's key; idempotent. Raise `Unavailable` if MongoDB does not confirm; it may be removed."""
        ...

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Delete a user's batches created up to a time, without their jobs. Idempotent.

        Raise `Unavailable` if MongoDB does not respond in time; the write may have been applied.
        """
        ...


class TimingRepository(Protocol):
    """Repository of the durations of recent jobs by kind, from their start to their end."""

    def record(self, kind: str, seconds: float) -> None:
        """Add a duration in seconds to those of its kind, and drop the oldest ones beyond a fixed number.

        Raise `Unavailable` if MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def usual_seconds(self, kind: str) -> float | None:
        """Return the median of the recent durations in seconds, at most a minute old, or None if there are none.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        ...


class SubmissionRepository(Protocol):
    """Repository of the state of submissions."""

    def read(self, now: datetime) -> SubmissionState:
        """Return the state, maybe seconds old. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Pause submissions and return the state. A repeat keeps `paused_at` and replaces the reason and the delay.

        Raise `Unavailable` if MongoDB does not respond in time; submissions may have been paused.
        """
        ...

    def resume(self) -> None:
        """Resume submissions; idempotent. Raise `Unavailable` if MongoDB does not confirm; they may be resumed."""
        ...


class JobQueue(Protocol):
    """Queues of job steps. A message contains the ID of the job to read and the ID of the step to run."""

    @property
    def maximum_delay_seconds(self) -> float:
        """Return the longest delay that the queue offers."""
        ...

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}` of the job's next step to the queue of its priority and kind of step, at least once.

        The message group is the user, so that SQS is fair between users. `delay_seconds` is at most
        `maximum_delay_seconds` and is rounded up to whole seconds.

        Raises:
            Unavailable: If SQS does not confirm the message, which may have been accepted.
        """
        ...
