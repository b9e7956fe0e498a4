"""The video job: its fields, its states, and the one table of which state may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, Self
from uuid import uuid4

from videojobs.domain.errors import IllegalTransition

JobId = NewType("JobId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits."""
UserId = NewType("UserId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits, from the token's claim."""

MAXIMUM_HISTORY = 50
"""Entries of `history` that are kept, the newest: the field must not grow without end."""


class JobStatus(StrEnum):
    """Where a job stands, as the API says it."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.FAILED}),
    JobStatus.PROCESSING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
}
"""From each status, those that may follow. A job whose provider is tried again stays in processing meanwhile."""

LIVE_STATUSES = frozenset(status for status, following in TRANSITIONS.items() if following)


class Style(StrEnum):
    """How the video should feel."""

    FUN = "fun"
    CALM = "calm"
    BACKGROUND = "background"


class AspectRatio(StrEnum):
    """Width to height."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"
    CLASSIC = "4:3"


class Step(StrEnum):
    """What is to be done next with a live job; `render` goes to the render queue, all others to the jobs queue."""

    START = "start"
    POLL = "poll"
    RENDER = "render"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one step that is to happen next. A message that carries another `id` is stale and does nothing.

    `resends` counts how often the reconciler had to send its message again; `due_at` moves with each.
    """

    id: str
    step: Step
    due_at: datetime
    resends: int = 0

    @classmethod
    def new(cls, step: Step, due_at: datetime) -> Self:
        """A step that nobody has heard of yet, under an id of its own."""
        return cls(uuid4().hex, step, due_at)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on the next step until `until`; every write of that work carries `token` as its fence."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ProviderTask:
    """The generation at the provider. `submitted_at` is written before the call, `ref` (its id there) right after.

    `unreachable` counts the calls in a row that brought no answer.
    """

    name: str
    submitted_at: datetime
    ref: str | None = None
    unreachable: int = 0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the video bucket; `size_bytes` is what was sent, to be compared with what arrived."""

    bucket: str
    key: str
    size_bytes: int

    @property
    def url(self) -> str:
        """Where it lives: `s3://bucket/key`; never given to a caller, who gets a presigned URL."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Output:
    """What was made: the video's object, its size in pixels and its true length."""

    video: StoredObject
    width: int
    height: int
    seconds: float


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: a code to count by, and whether another attempt might have helped."""

    code: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a job's story, for operators."""

    at: datetime
    status: JobStatus
    note: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """A change that a user can see, to be told to whoever listens, under one id and the `version` it brought."""

    id: str
    version: int
    at: datetime

    @classmethod
    def of(cls, version: int, at: datetime) -> Self:
        """The announcement of a version, under an id of its own."""
        return cls(uuid4().hex, version, at)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's name for a request, so that a repeat makes no second job; `fingerprint` is the request's SHA-256."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a user asked for, already validated. `duration` is in seconds, a whole or fractional number as it came."""

    prompt: str
    style: Style
    duration: int | float
    aspect_ratio: AspectRatio


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A job as it stands in the collection `videojobs`. Times are aware UTC datetimes of whole milliseconds.

    `style`, `duration` and `aspect_ratio` are loose types because documents of the Express server are read too, and
    what they hold was never checked; a job of our own always holds a `Style`, a number and an `AspectRatio`.
    `version` grows by one with each change that a user can see; `outbox` holds what was not yet announced.
    """

    id: JobId
    user_id: UserId
    prompt: str
    style: str
    duration: int | float | None
    aspect_ratio: str
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    video_url: str | None = None
    error_message: str | None = None
    version: int = 0
    attempt: int = 1
    next: NextStep | None = None
    lease: Lease | None = None
    started_at: datetime | None = None
    provider: ProviderTask | None = None
    progress: float | None = None
    output: Output | None = None
    poster: StoredObject | None = None
    error: JobError | None = None
    history: tuple[HistoryEntry, ...] = ()
    outbox: tuple[Announcement, ...] = ()
    idempotency: IdempotencyKey | None = None
    expires_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything is still going to happen to it."""
        return self.status in LIVE_STATUSES

    def changed(self, now: datetime, **changes: Any) -> Self:
        """The same job with a change that a user can see: `version` + 1, `updated_at` = now, and its announcement."""
        version = self.version + 1
        outbox = (*self.outbox, Announcement.of(version, now))
        return replace(self, version=version, updated_at=now, outbox=outbox, **changes)

    def noted(self, now: datetime, note: str) -> tuple[HistoryEntry, ...]:
        """The history with one more line, for a change that leaves the status as it is."""
        return (*self.history, HistoryEntry(now, self.status, note))

    def moved(self, to: JobStatus, now: datetime, note: str, **changes: Any) -> Self:
        """The job in another status, with a line of history; the only way to set a status.

        Raises:
            IllegalTransition: `TRANSITIONS` does not allow it.
        """
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"A job can't go from {self.status} to {to}.")
        return self.changed(now, status=to, history=(*self.history, HistoryEntry(now, to, note)), **changes)
