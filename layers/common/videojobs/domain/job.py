"""The video job: its fields, its states, and the one table of which state may follow which."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NewType, Self
from uuid import uuid4

from videojobs.domain.errors import IllegalTransition
from videojobs.domain.production import MAXIMUM_PARTS, Production
from videojobs.domain.request import Priority
from videojobs.domain.storage import OBJECT_KINDS, StoredObject, object_key, part_key

JobId = NewType("JobId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits."""
UserId = NewType("UserId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits, from the token's claim."""
BatchId = NewType("BatchId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits."""

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")

MAXIMUM_HISTORY = 50
"""Entries of `history` that are kept, the newest: the field must not grow without end."""


def is_object_id(text: str) -> bool:
    """Whether a text that came from outside can be an id at all."""
    return _OBJECT_ID.fullmatch(text) is not None


class JobStatus(StrEnum):
    """Where a job stands, as the API says it."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
}
"""From each status, those that may follow. A job whose provider is tried again stays in processing meanwhile; back to
queued leads the user's own retry alone."""

LIVE_STATUSES = frozenset({JobStatus.QUEUED, JobStatus.PROCESSING})


class Step(StrEnum):
    """What is to be done next with a job; `render` goes to its lane's render queue, all others to its jobs queue.

    `clean_up` stops what a cancelled job left at the provider and removes its half-made files; a job that its user has
    retried meanwhile starts afterwards, and one that was deleted, whatever its status, goes.
    """

    START = "start"
    POLL = "poll"
    RENDER = "render"
    FINISH = "finish"
    CLEAN_UP = "clean_up"


NOT_SCHEDULED = datetime(9999, 12, 31, tzinfo=UTC)
"""When the first step of a waiting job is due: not before it is let in. No sweep finds it, no message is sent."""


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
class Output:
    """What was made: the video's object, its size in pixels, its true length, and of how many generations it is."""

    video: StoredObject
    width: int
    height: int
    seconds: float
    segments: int = 1


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
class Batch:
    """Jobs that were asked for in one request, in its order; the document holds the request's idempotency key."""

    id: BatchId
    user_id: UserId
    job_ids: tuple[JobId, ...]
    created_at: datetime
    expires_at: datetime
    idempotency: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A job as it stands in the collection `videojobs`. Times are aware UTC datetimes of whole milliseconds.

    `style`, `duration` and `aspect_ratio` are loose types because documents of the Express server are read too, and
    what they hold was never checked; a job of our own always holds a `Style`, a number and an `AspectRatio`.
    `version` grows by one with each change that a user can see; `outbox` holds what was not yet announced.

    `waiting_since`: when the job began to wait for a slot, because its user has as many active jobs as allowed; its
    step is due at `NOT_SCHEDULED` until it is admitted. `attempts_before_retry`: the attempts from before the user's
    last retry, which no longer count. `deleted_at`: the job is hidden, and is removed when its clean-up is finished.

    `requested_provider`: the provider that the user named. `production`: the plan that the provider carries out, if it
    makes videos from clips. `exhausted_providers`: the providers whose quota was exhausted in this run. `traceparent`:
    the trace that the job belongs to (`domain.trace`).
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
    preview: StoredObject | None = None
    error: JobError | None = None
    history: tuple[HistoryEntry, ...] = ()
    outbox: tuple[Announcement, ...] = ()
    idempotency: IdempotencyKey | None = None
    expires_at: datetime | None = None
    priority: Priority = Priority.NORMAL
    batch_id: BatchId | None = None
    waiting_since: datetime | None = None
    attempts_before_retry: int = 0
    deleted_at: datetime | None = None
    requested_provider: str | None = None
    production: Production | None = None
    exhausted_providers: tuple[str, ...] = ()
    traceparent: str | None = None

    def is_shown(self, now: datetime) -> bool:
        """Whether its owner still sees it: it is not deleted, and has not expired (MongoDB's sweep may come later)."""
        return self.deleted_at is None and (self.expires_at is None or self.expires_at > now)

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Every key in the bucket under which one of its attempts may have left something."""
        attempts = range(1, self.attempt + 1)
        finished = (object_key(self.id, attempt, kind) for attempt in attempts for kind in OBJECT_KINDS)
        parts = (part_key(self.id, attempt, part) for attempt in attempts for part in range(1, MAXIMUM_PARTS + 1))
        return (*finished, *parts)

    @property
    def generation_token(self) -> str:
        """What one generation is called towards a provider: a repeat of the same is to make no second one."""
        parts = f":{self.production.part}" if self.production else ""
        return f"{self.id}:{self.attempt}{parts}"

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
