"""What is kept of jobs and the messages that move them, said as Protocols that adapters and the tests' fakes fulfil."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from videojobs.domain.job import Announcement, Batch, BatchId, JobId, JobStatus, Lease, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.submissions import SubmissionState


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """An aware UTC datetime in whole milliseconds (what MongoDB can hold)."""
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a user's list of jobs: just behind the job that was created then and has this id."""

    created_at: datetime
    job_id: JobId


class JobQuery(NamedTuple):
    """Which of a user's jobs to list, the newest first: at most `limit`, those beyond `after`."""

    limit: int
    after: Position | None = None
    status: JobStatus | None = None
    batch_id: BatchId | None = None


class Erasure(NamedTuple):
    """A user all of whose jobs from before a moment are to be removed."""

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
    """The jobs, and the only truth about them. Every method raises `Unavailable` when MongoDB does not answer."""

    def new_id(self) -> JobId:
        """An id that no job has; nothing is written."""
        ...

    def created_at(self, job_id: JobId) -> datetime:
        """Return when `new_id` made this ID, in whole seconds; nothing is read."""
        ...

    def add(self, job: VideoJob) -> None:
        """Insert a new job in one write. Idempotent by `job.id`: a retried insert of the same job is no error.

        Raises:
            IdempotencyKeyTaken: the user has a job with that idempotency key. The unique index decides.
        """
        ...

    def find(self, job_id: JobId) -> VideoJob | None:
        """The job as it stands, or None. Served by `_id`."""
        ...

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Lease the job's next step, if it still is `step_id` and nobody holds a live lease; else None.

        The step is then due `now`: a pause that the reconciler had put before it is over once somebody came.
        One guarded write: of any number of callers at once exactly one gets the job.
        """
        ...

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Write what differs, if the stored job still has `before`'s status, attempt, next step and lease token.

        False means that the job moved on without us (a lost lease, a cancellation): nothing was written. The attempt
        tells a job that is at rest from the same one at rest again, which was retried and cancelled in between.
        After an `Unavailable` the write may have landed or not.
        """
        ...

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """The user's job of that idempotency key. Served by the unique index `idempotency`."""
        ...

    def release_key(self, job: VideoJob) -> None:
        """Take the idempotency key off a job, so that it can be used again; harmless when it is gone already."""
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
        """A user's jobs by `(created_at, id)`, the newest first, those beyond `after`; without those not shown `now`.

        Served by the index `user_newest`, with a status `user_status`, with a batch `user_batch`.
        """
        ...

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """The job of a user and lane that has waited longest to be let in. Served by the index `waiting`."""
        ...

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """About how many queued jobs come before this queued one, counted up to `limit`.

        For a waiting job its user's own that wait longer (index `waiting`), else all that were due earlier (`sweep`).
        """
        ...

    def remove(self, job: VideoJob) -> bool:
        """Delete the document, if it still has this status and next step; False: it moved on. Guarded like `save`."""
        ...

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Live jobs without a next step, as the Express server left them. Served by the index `sweep`."""
        ...

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs, ended ones too, with an announcement from before then, the oldest first. Index: `outbox`."""
        ...

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Take announcements out of the outbox; harmless when they are gone already."""
        ...

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs that failed with a code and were created since then, the oldest first. Index: `status_age`."""
        ...

    def find_startable(self) -> list[VideoJob]:
        """Of the queued jobs that may start, the one that is due first and the one that is due last, if there are any.

        The last one's message was sent again most often: mostly it has waited longest. Those that wait behind others
        of their user are not looked at, however many they are. Two finds of one document, served by the index `sweep`.
        """
        ...

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs, ended ones too, whose next step was due before `due_before` and that hold no live lease.

        Of each status, the longest overdue come first. Served by the index `sweep`.
        """
        ...


class BatchRepository(Protocol):
    """The batches, each stored together with its jobs."""

    def new_id(self) -> BatchId:
        """An id that no batch has; nothing is written."""
        ...

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert the batch and all of its jobs, or nothing, in one transaction.

        Raises:
            IdempotencyKeyTaken: the user has a batch with that idempotency key. The unique index decides.
            Unavailable: MongoDB did not confirm; all may be there, or nothing.
        """
        ...

    def find(self, batch_id: BatchId) -> Batch | None:
        """The batch, or None. Served by `_id`."""
        ...

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """The user's batch of that idempotency key. Served by the unique index `idempotency`."""
        ...

    def release_key(self, batch: Batch) -> None:
        """Take the idempotency key off a batch, so that it can be used again; harmless when it is gone already."""
        ...

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Delete a user's batches; their jobs stay. Served by the index `user_newest`."""
        ...


class TimingRepository(Protocol):
    """How long jobs take, from their start to their end: the last ones of each kind."""

    def record(self, kind: str, seconds: float) -> None:
        """Remember one more; the oldest is forgotten."""
        ...

    def usual_seconds(self, kind: str) -> float | None:
        """The median of the last ones; None where there were none. May be a minute old."""
        ...


class ErasureRepository(Protocol):
    """Users all of whose jobs up to a moment are to be removed; kept until that is done."""

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Remember it; a later moment replaces an earlier one."""
        ...

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """Those that are not done yet."""
        ...

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """It is done, unless a later moment was asked for meanwhile."""
        ...


class SubmissionRepository(Protocol):
    """The operators' switch: are new jobs taken? Each method raises `Unavailable` when MongoDB does not answer."""

    def read(self, now: datetime) -> SubmissionState:
        """How it stands, or stood a few seconds before `now`: so often may one process ask without a call."""
        ...

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Refuse new jobs; how it stands then. Repeated, it is paused since the first time, for the newest reason."""
        ...

    def resume(self) -> None:
        """Take new jobs; harmless when they are taken already."""
        ...


class JobQueue(Protocol):
    """The queues of job steps. A message names the job to read and the step to run."""

    @property
    def maximum_delay_seconds(self) -> float:
        """Return the longest delay that the queue offers."""
        ...

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}` of the job's next step to its lane's queue for that kind of step, at least once.

        The message group is the user, so that SQS is fair between users. `delay_seconds` is at most
        `maximum_delay_seconds` and is rounded up to whole seconds.

        Raises:
            Unavailable: SQS did not take it (or its answer was lost: it may arrive all the same).
        """
        ...
