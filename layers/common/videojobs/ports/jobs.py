"""Protocols for the repositories and queues of jobs. The adapters and the fakes of the tests implement them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from videojobs.domain.job import Announcement, Batch, BatchId, JobId, JobStatus, Lease, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.submissions import SubmissionState


class Clock(Protocol):
    """Source of the current time."""

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime in whole milliseconds, the precision of MongoDB."""
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """Position in a user's list of jobs, directly after the job with this creation time and ID."""

    created_at: datetime
    job_id: JobId


class JobQuery(NamedTuple):
    """Query for a user's jobs, the newest first: at most `limit` jobs after the position `after`."""

    limit: int
    after: Position | None = None
    status: JobStatus | None = None
    batch_id: BatchId | None = None


class Erasure(NamedTuple):
    """Request to remove all of a user's jobs that were created up to a time."""

    user_id: UserId
    created_before: datetime


class KeyedRepository[T](Protocol):
    """A repository whose items can hold an idempotency key."""

    def find_by_key(self, user_id: UserId, key: str) -> T | None:
        """Return the user's item with this idempotency key, or None."""
        ...

    def release_key(self, item: T, /) -> None:
        """Remove the idempotency key from an item, so that it can be used again. Idempotent."""
        ...


class JobRepository(Protocol):
    """Repository of jobs, the source of truth.

    Each method that reads or writes raises `Unavailable` if MongoDB does not answer.
    """

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
        """
        ...

    def find(self, job_id: JobId) -> VideoJob | None:
        """Return the stored job, or None if it does not exist. Served by `_id`."""
        ...

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Lease the job's next step and return the job, or None if the next step has another ID or a live lease.

        The step's due time becomes `now`, which ends a pause set by the reconciler. This is one guarded write: of any
        number of concurrent calls exactly one gets the job.
        """
        ...

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Write the differences, if the stored job still has `before`'s status, attempt, next step and lease token.

        Return whether the job was written. False means that it has changed meanwhile, for example by a cancellation or
        a lost lease. The attempt is compared because a job may be retried and cancelled between the read and the write.
        After `Unavailable` the write may have been applied.
        """
        ...

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """Return the user's job with this idempotency key, or None. Served by the unique index `idempotency`."""
        ...

    def release_key(self, job: VideoJob) -> None:
        """Remove the idempotency key from a job, so that it can be used again. Idempotent."""
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

        Jobs that are not shown at `now` (`VideoJob.is_shown`) are left out. Served by the index `user_newest`, with a
        status by `user_status`, with a batch by `user_batch`.
        """
        ...

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """Return the longest waiting job of a user and priority, or None. Served by the index `waiting`."""
        ...

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Return approximately how many queued jobs come before this queued job, at most `limit`.

        For a job that waits for a slot, count the user's jobs that wait longer (index `waiting`). For any other job,
        count the queued jobs that were due earlier (index `sweep`).
        """
        ...

    def remove(self, job: VideoJob) -> bool:
        """Delete the job, guarded like `save`. Return False, with nothing deleted, if it has changed meanwhile."""
        ...

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return live jobs without a next step, left by the Express server before `created_before`. Index: `sweep`."""
        ...

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return jobs of any status with an announcement before `announced_before`, oldest first. Index: `outbox`."""
        ...

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Remove announcements from the job's outbox. Idempotent."""
        ...

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Return jobs created since `created_since` that failed with `code`, the oldest first. Index: `status_age`."""
        ...

    def find_startable(self) -> list[VideoJob]:
        """Return the queued job that is due first and the one that is due last, or an empty list.

        Each resend moves the due time, so the job that is due last has usually waited longest. Jobs that wait for a
        slot are not included. Two finds of one document, served by the index `sweep`.
        """
        ...

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Return jobs, live or ended, whose next step was due before `due_before` and has no live lease.

        Within each status, the longest overdue jobs come first. Served by the index `sweep`.
        """
        ...


class BatchRepository(Protocol):
    """Repository of batches. Each method that reads or writes raises `Unavailable` if MongoDB does not answer."""

    def new_id(self) -> BatchId:
        """Return a new, unused batch ID. Nothing is written."""
        ...

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert the batch and all of its jobs, or nothing, in one transaction. Idempotent by `batch.id`.

        Raises:
            IdempotencyKeyTaken: If the user has a batch with that idempotency key. The unique index decides.
            Unavailable: If MongoDB does not confirm. Either everything was inserted, or nothing.
        """
        ...

    def find(self, batch_id: BatchId) -> Batch | None:
        """Return the batch, or None if it does not exist. Served by `_id`."""
        ...

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """Return the user's batch with this idempotency key, or None. Served by the unique index `idempotency`."""
        ...

    def release_key(self, batch: Batch) -> None:
        """Remove the idempotency key from a batch, so that it can be used again. Idempotent."""
        ...

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Delete a user's batches created up to a time, without their jobs. Served by the index `user_newest`."""
        ...


class TimingRepository(Protocol):
    """Repository of the durations of recent jobs by kind, from their start to their end.

    Each method raises `Unavailable` if MongoDB does not answer.
    """

    def record(self, kind: str, seconds: float) -> None:
        """Add a duration to those of its kind, and drop the oldest ones beyond a fixed number."""
        ...

    def usual_seconds(self, kind: str) -> float | None:
        """Return the median of the recent durations, or None if there are none. The value may be a minute old."""
        ...


class ErasureRepository(Protocol):
    """Repository of unfinished erasures. Each method raises `Unavailable` if MongoDB does not answer."""

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Store an erasure of a user's jobs. A later time replaces an earlier one, but not the reverse."""
        ...

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """Return up to `limit` unfinished erasures as pairs of user ID and time."""
        ...

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Delete a finished erasure, unless one with a later time was requested meanwhile."""
        ...


class SubmissionRepository(Protocol):
    """Repository of the state of submissions. Each method raises `Unavailable` if MongoDB does not answer."""

    def read(self, now: datetime) -> SubmissionState:
        """Return the state. It may be a few seconds old: implementations may cache it to save reads."""
        ...

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Pause submissions and return the state. A repeat keeps `paused_at` and replaces the reason and the delay."""
        ...

    def resume(self) -> None:
        """Resume submissions. Idempotent."""
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
