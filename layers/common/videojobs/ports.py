"""The ports: what the services need from the world, said as Protocols; adapters and the tests' fakes fulfil them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from videojobs.domain.circuit import Circuit
from videojobs.domain.job import (
    Announcement,
    Batch,
    BatchId,
    JobId,
    JobStatus,
    Lease,
    Priority,
    StoredObject,
    UserId,
    VideoJob,
)
from videojobs.domain.rate import Allowance, RateLimit
from videojobs.domain.realtime import Connection, ConnectionId, Identity, Message
from videojobs.domain.share import Share
from videojobs.domain.webhook import EndpointId, WebhookDelivery

type ReportProgress = Callable[[float], None]
"""Called with the part that is done (0–1); may raise to stop the work."""


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


class JobRepository(Protocol):
    """The jobs, and the only truth about them. Every method raises `Unavailable` when MongoDB does not answer."""

    def new_id(self) -> JobId:
        """An id that no job has; nothing is written."""
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
        """Write what differs, if the stored job still has `before`'s status, next step and lease token.

        False means that the job moved on without us (a lost lease, a cancellation): nothing was written.
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
        """Jobs, ended ones too, with an announcement from before then. Served by the index `outbox`."""
        ...

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Take announcements out of the outbox; harmless when they are gone already."""
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


class ShareRepository(Protocol):
    """Each user's share of each lane: the set of the user's active jobs there, never larger than `cap`.

    A set and no counter: whatever crashes or repeats, an id stands in it once, and one that should not can be seen.
    """

    cap: int

    def enter(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Put new jobs in, the first ones first, while there is room and nobody waits; how many got in.

        A guarded update: of any number of callers at once only as many get in as there is room for. If not all do, the
        share remembers `now` as `waiting_at`.
        """
        ...

    def enter_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Put a job in that has waited, if there is room; True as well when it is in already."""
        ...

    def leave(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Take jobs out, harmless when they are out already; whether somebody may be waiting for the room."""
        ...

    def nobody_waits(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Forget `waiting_at`, unless somebody has come to wait since `seen_at`."""
        ...

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[Share]:
        """Shares that nobody has compared with the jobs since then. Served by the index `checked`."""
        ...

    def mark_checked(self, share: Share, now: datetime) -> None:
        """Remember that a share was compared; one that is empty and as it was is removed instead."""
        ...


class RateLimiter(Protocol):
    """Counts what a user does, exactly, in any window of a minute."""

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count one more call and say what is left; of any number of calls at once no more than the limit pass.

        Raises:
            RateLimited: no more are allowed now; `retry_after_seconds` says when one is. It is not counted.
            Unavailable: MongoDB does not answer: the call is refused with that, as it could do nothing without it.
        """
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


class CircuitRepository(Protocol):
    """The circuit breakers, shared by all workers."""

    def find(self, provider: str) -> Circuit:
        """As it stands; a provider without trouble has a fresh one."""
        ...

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Write it, if the stored one still is `before`; of any number of racing writers one wins."""
        ...


class JobQueue(Protocol):
    """Messages that say: look at this job."""

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}` of the job's next step to its lane's queue for that kind of step, at least once.

        The message group is the user, so that SQS is fair between users. `delay_seconds` is 0–900 (SQS's limit) and is
        rounded up to whole seconds.

        Raises:
            Unavailable: SQS did not take it (or its answer was lost: it may arrive all the same).
        """
        ...


class Notifier(Protocol):
    """Where announcements go: whoever wants to know of a job's changes listens there."""

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Send each as `{id, jobId, version, at}`, at least once and in no promised order; receivers go by `version`.

        Raises:
            Unavailable: not all were taken; some may have been.
        """
        ...


class VideoStore(Protocol):
    """The bucket with the videos. Each method raises `Unavailable` when S3 does not answer."""

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Upload a file; a second upload to the same key replaces it whole."""
        ...

    def size(self, stored: StoredObject) -> int | None:
        """The object's size in bytes as it lies there, or None where there is none."""
        ...

    def presigned_url(self, url: str, now: datetime, file_name: str | None = None) -> str:
        """A URL that serves `s3://bucket/key` to anybody for the configured time; made locally, no call to S3.

        The same until `signing_window` changes, and good for at least two thirds of the time. With a file name the
        browser saves it under that name.
        """
        ...

    def signing_window(self, now: datetime) -> str:
        """Names the span of time in which a presigned URL stays the same."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects; harmless where there is none."""
        ...


class UnknownSubmit(StrEnum):
    """The policy for an intent without a ref: the call may have started a task that costs money, or not.

    `REPEAT`: submit again in the same attempt, as one token makes one task. `FIND`: look the task up by its token, and
    submit only if there is none. `RESUBMIT`: submit again as a new attempt, an orphan may remain. `FAIL`: give up.
    """

    REPEAT = "repeat"
    FIND = "find"
    RESUBMIT = "resubmit"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data.

    `yields_pixels`: there is something to render; otherwise the result's URL is the job's `videoUrl` as it is.
    `can_cancel`: a cancel at the provider stops the work there.
    `unknown_submit`: what to do when nobody knows whether a submit arrived.
    """

    yields_pixels: bool
    can_cancel: bool
    unknown_submit: UnknownSubmit


@dataclass(frozen=True, slots=True)
class Submission:
    """A task that the provider took. Ask again after `poll_after_seconds`; None: nothing to wait for, render now."""

    ref: str
    poll_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class Generation:
    """How a task stands: `done` with a `video_url` where the provider has one, or to be asked for again later."""

    done: bool
    progress: float | None = None
    video_url: str | None = None
    poll_after_seconds: float = 5


class VideoProvider(Protocol):
    """An AI provider (or one that stands in for it). Refusals and failures are raised as `ProviderError`.

    A call without a telling answer raises `ProviderUnreachable`.
    """

    name: str
    capabilities: Capabilities

    def submit(self, job: VideoJob, *, token: str) -> Submission:
        """Begin the generation. `token` (`jobId:attempt`) makes a repeat harmless where the provider takes one."""
        ...

    def find(self, job: VideoJob, *, token: str) -> Submission | None:
        """The task that a submit with this token made, or None. Called only where `unknown_submit` is `FIND`."""
        ...

    def poll(self, job: VideoJob, ref: str) -> Generation:
        """Ask how the task stands; changes nothing, may be repeated at will."""
        ...

    def cancel(self, job: VideoJob, ref: str) -> bool:
        """Stop the task; whether it really was stopped. Harmless on an ended one."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedVideo:
    """Files in a scratch folder, and what the video really is."""

    video: Path
    poster: Path
    preview: Path
    width: int
    height: int
    seconds: float


class VideoRenderer(Protocol):
    """Makes the pixels of a job: draws them, or fetches the provider's and brings them into shape."""

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Write the finished MP4, its poster (JPEG) and its preview (WebP) into `folder` (which the caller removes).

        Raises:
            ProviderError: the provider's result is lost or is no video.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a user can see: the id that it was announced under, and the job at that version or a later one."""

    id: str
    job: VideoJob


type Listener = Callable[[Change], None]
"""Is told of a change; repeats carry the same id. Raises `Unavailable` to be told again."""


class WebhookQueue(Protocol):
    """Changes on their way to the platform's own backend: a message for each endpoint, which fares on its own."""

    def enqueue(self, change: Change) -> None:
        """Send the ids of a change on to every endpoint, at least once; where the operator set no URL there is none.

        Raises:
            Unavailable: not all were taken; some may have been.
        """
        ...

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Send one delivery, to arrive after 0–900 s (SQS's limit), rounded up to whole seconds.

        Raises:
            Unavailable: SQS did not take it (or its answer was lost: it may arrive all the same).
        """
        ...


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a receiver said: an HTTP status, or None and the `reason` why there is no answer."""

    status: int | None
    reason: str = ""


class WebhookSender(Protocol):
    """Signs and posts to a receiver."""

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Post once, under the event's id. Whatever a receiver does, or does not, is an answer and no error.

        Raises:
            Unavailable: the secret can't be read; nothing was sent.
        """
        ...


class WebhookRepository(Protocol):
    """What is remembered of endpoints. Each method raises `Unavailable` when MongoDB does not answer."""

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """Until when the endpoint is to be left alone, if it ever said that it is gone. Served by `_id`."""
        ...

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Leave it alone until then."""
        ...

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Keep a delivery that was given up, for operators. Idempotent by event and endpoint."""
        ...


class ConnectionRepository(Protocol):
    """The live connections. Every method raises `Unavailable` when MongoDB does not answer."""

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Store a new connection, unless its user has `at_most` others that are not over.

        Of any number of calls at once exactly as many succeed as there is room for.

        Raises:
            TooManyConnections: there is no room.
        """
        ...

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """The connection, also one that is over; None once it is removed. Served by `_id`."""
        ...

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """A user's connections, also those that are over. Served by the index `user_slot`."""
        ...

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None) -> bool:
        """Add a job, or all jobs, to what a connection wants; False: it is removed. Harmless when repeated."""
        ...

    def remove(self, connection_id: ConnectionId) -> None:
        """Forget a connection; harmless when it is forgotten already."""
        ...


class TicketRepository(Protocol):
    """Tickets that open one connection each. Every method raises `Unavailable` when MongoDB does not answer."""

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Store whom a ticket stands for, under its digest."""
        ...

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Use a ticket up; None: there is none, it is over, or it was used.

        Of any number of callers at once exactly one gets the identity.
        """
        ...


class Delivery(StrEnum):
    """What came of a message: taken by API Gateway, its connection gone for ever, or nothing that tells.

    `TOO_LARGE`: nobody will ever take it (an Express job's prompt had no limit); the connection is well.
    """

    TAKEN = "taken"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNANSWERED = "unanswered"


class Broadcaster(Protocol):
    """The way out to open connections."""

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Send each message to its connection, several at a time; what came of each, in their order.

        A connection that takes long holds up no other. Never raises for a connection's sake.
        """
        ...

    def close(self, connection_id: ConnectionId) -> None:
        """End a connection; harmless when it has ended.

        Raises:
            Unavailable: API Gateway did not answer; it may be open.
        """
        ...
