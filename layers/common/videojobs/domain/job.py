"""The video job: its fields, its statuses, and the table of allowed transitions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, NewType, Self
from uuid import uuid4

from videojobs.domain.errors import IllegalTransition
from videojobs.domain.production import MAXIMUM_PARTS, Production
from videojobs.domain.request import Priority, Resolution
from videojobs.domain.storage import OBJECT_KINDS, StoredObject, object_key, part_key

JobId = NewType("JobId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits."""
UserId = NewType("UserId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits, from the token's claim."""
BatchId = NewType("BatchId", str)
"""A MongoDB ObjectId as 24 lower-case hex digits."""

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")

MAXIMUM_HISTORY = 50
"""Newest entries of `history` that are kept, so that the document does not grow without limit."""


def is_object_id(text: str) -> bool:
    """Return whether a text from a request has the form of an ObjectId: 24 hexadecimal digits."""
    return _OBJECT_ID.fullmatch(text) is not None


class JobStatus(StrEnum):
    """Status of a job, as the API returns it."""

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
"""Statuses that may follow each status. A job stays in processing between its attempts. Only `lifecycle.retry`, which a
user or an operator requests, and `refused_result.fetch_again` return a job to queued."""

LIVE_STATUSES = frozenset({JobStatus.QUEUED, JobStatus.PROCESSING})


class Step(StrEnum):
    """Kind of a job's next step. `render` goes to the render queue of its priority, all other kinds to the jobs queue.

    `clean_up` stops the provider task of a cancelled job and removes its incomplete files. If the job was retried
    meanwhile, it starts afterwards. If it was deleted, in any status, its document is removed.
    """

    START = "start"
    POLL = "poll"
    RENDER = "render"
    FINISH = "finish"
    CLEAN_UP = "clean_up"


NOT_SCHEDULED = datetime(9999, 12, 31, tzinfo=UTC)
"""Due time of the first step of a job that waits for a slot: it is not swept or sent until the job is admitted."""


class NextStep(NamedTuple):
    """Next step of a job. A message with another step ID is stale and has no effect.

    `resends`: how often the reconciler has sent the step's message again. Each resend moves `due_at`. `runs`: how often
    a worker has claimed the step. A run that ends because a service does not respond is subtracted (`return_run`).
    """

    id: str
    step: Step
    due_at: datetime
    resends: int = 0
    runs: int = 0

    @classmethod
    def new(cls, step: Step, due_at: datetime) -> Self:
        """Return a step with a new random ID."""
        return cls(uuid4().hex, step, due_at)


class Lease(NamedTuple):
    """Exclusive right to work on the next step until `until`. `token` is the fencing token of the worker's writes."""

    token: str
    until: datetime


class ProviderTask(NamedTuple):
    """Provider task of a job. `submitted_at` is stored before the submit, `ref` (the provider's task ID) after it.

    `unreachable`: how many calls in a row received no response or an unconfirmed failure. `failing_since`: when the
    first unconfirmed failure since the last successful poll occurred. `result_url`: the link of a result that was not
    fetched, because its host was not allowed.
    """

    name: str
    submitted_at: datetime
    ref: str | None = None
    unreachable: int = 0
    failing_since: datetime | None = None
    result_url: str | None = None


class Output(NamedTuple):
    """Rendered video: its object, its size in pixels, its measured length, and how many clips it was joined from.

    `missing_scripts`: the scripts of the prompt whose text is not in the video, because no typeface contains them.
    """

    video: StoredObject
    width: int
    height: int
    seconds: float
    segments: int = 1
    missing_scripts: tuple[str, ...] = ()


class JobError(NamedTuple):
    """Reason of a failure: a code for statistics, and whether another attempt could have succeeded."""

    code: str
    retryable: bool


class HistoryEntry(NamedTuple):
    """Entry of a job's history, for operators."""

    at: datetime
    status: JobStatus
    note: str


class Announcement(NamedTuple):
    """Change of a job that a user can see, waiting in the outbox to be published. `version` is the job's after it."""

    id: str
    version: int
    at: datetime

    @classmethod
    def of(cls, version: int, at: datetime) -> Self:
        """Return the announcement of a version, with a new random ID."""
        return cls(uuid4().hex, version, at)


class IdempotencyKey(NamedTuple):
    """Key that the caller sent, so that a repeat creates no second job. `fingerprint` is the request's SHA-256."""

    key: str
    fingerprint: str


class Batch(NamedTuple):
    """Jobs submitted in one request, in the order of the request. The batch holds the request's idempotency key."""

    id: BatchId
    user_id: UserId
    job_ids: tuple[JobId, ...]
    created_at: datetime
    expires_at: datetime
    idempotency: IdempotencyKey | None = None


def object_keys(job_id: JobId, attempts: int) -> tuple[str, ...]:
    """Return every object key in the bucket that the first `attempts` attempts of a job may have written."""
    numbers = range(1, attempts + 1)
    finished = (object_key(job_id, attempt, kind) for attempt in numbers for kind in OBJECT_KINDS)
    parts = (part_key(job_id, attempt, part) for attempt in numbers for part in range(1, MAXIMUM_PARTS + 1))
    return (*finished, *parts)


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video job, as stored in the collection `videojobs`. Times are aware UTC datetimes in whole milliseconds.

    `style`, `duration` and `aspect_ratio` have loose types because documents of the Express server are read too, and
    their values were never validated. Jobs of this service always hold a `Style`, a number and an `AspectRatio`.
    `version` grows by one with each change that a user can see. `outbox` holds the changes that are not published yet.

    `waiting_since`: when the job began to wait for a slot, because its user has as many active jobs as allowed; its
    step is due at `NOT_SCHEDULED` until it is admitted. `attempts_before_retry`: the attempts from before the user's
    last retry, which no longer count. `deleted_at`: the job is hidden, and is removed when its clean-up is finished.

    `requested_provider`: the provider that the user named. `production`: the plan that the provider carries out, if it
    makes videos from clips. `exhausted_providers`: the providers whose quota was exhausted in this run. `traceparent`:
    the trace that the job belongs to (`domain.trace`).

    `seed`: the one that was requested, else the one that was chosen for a provider that takes seeds, or None.
    `ignored`: the fields of the request that the provider can't honour, by their names in the API.
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
    seed: int | None = None
    negative_prompt: str | None = None
    sound: bool = False
    resolution: Resolution = Resolution.P720
    ignored: tuple[str, ...] = ()

    def is_shown(self, now: datetime) -> bool:
        """Return whether the owner can see the job: it is neither deleted nor expired.

        MongoDB may remove an expired document later.
        """
        return self.deleted_at is None and (self.expires_at is None or self.expires_at > now)

    @property
    def is_waiting_for_clean_up(self) -> bool:
        """Return whether the job is deleted and a clean-up has to stop its provider task before it is removed."""
        return self.deleted_at is not None and self.next is not None and self.provider is not None

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Return every object key in the bucket that an attempt of the job may have written."""
        return object_keys(self.id, self.attempt)

    @property
    def generation_token(self) -> str:
        """Return the idempotency key of the current generation for the provider, `jobId:attempt`.

        If the video is made in parts, `:part` follows.
        """
        parts = f":{self.production.part}" if self.production else ""
        return f"{self.id}:{self.attempt}{parts}"

    @property
    def is_live(self) -> bool:
        """Return whether the job is queued or processing."""
        return self.status in LIVE_STATUSES

    def changed(self, now: datetime, **changes: Any) -> Self:
        """Return the job with changes that a user can see.

        Its `version` grows by one, `updated_at` becomes `now`, and an announcement is added to its outbox.
        """
        version = self.version + 1
        outbox = (*self.outbox, Announcement.of(version, now))
        return replace(self, version=version, updated_at=now, outbox=outbox, **changes)

    def noted(self, now: datetime, note: str) -> tuple[HistoryEntry, ...]:
        """Return the history with another entry, for a change that keeps the status."""
        return (*self.history, HistoryEntry(now, self.status, note))

    def moved(self, to: JobStatus, now: datetime, note: str, **changes: Any) -> Self:
        """Return the job in another status, with a history entry. Every change of a status goes through this method.

        Raises:
            IllegalTransition: If `TRANSITIONS` does not allow it.
        """
        if to not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"A job can't go from {self.status} to {to}.")
        return self.changed(now, status=to, history=(*self.history, HistoryEntry(now, to, note)), **changes)
