"""Conversion between jobs and documents of the collection `videojobs`, including those the Express server wrote."""

from collections.abc import Callable
from typing import Any

from bson import ObjectId

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.productions import from_object, from_production, optional, to_object, to_production
from videojobs.adapters.mongo.reading import (
    Fields,
    MalformedDocument,
    to_flag,
    to_integer,
    to_list,
    to_number,
    to_object_id,
    to_text,
    to_time,
)
from videojobs.domain.job import (
    Announcement,
    BatchId,
    HistoryEntry,
    IdempotencyKey,
    JobError,
    JobId,
    JobStatus,
    Lease,
    NextStep,
    Output,
    ProviderTask,
    Step,
    UserId,
    VideoJob,
)
from videojobs.domain.request import MAXIMUM_SEED, Priority, Resolution
from videojobs.ports.erasures import MalformedJob

CONTRACT_FIELDS = frozenset(
    [
        "_id",
        "userId",
        "prompt",
        "style",
        "duration",
        "aspectRatio",
        "status",
        "videoUrl",
        "errorMessage",
        "createdAt",
        "updatedAt",
    ]
)
"""Fields that the platform reads: always present, null without a value. Other fields without a value are absent."""

MAXIMUM_ATTEMPTS = 10_000
"""Attempts of a job, with those of its retries, up to which a document is well-formed: each has objects to remove."""
ATTEMPTS_OF_MALFORMED = 1000
"""Attempts whose objects are removed with a malformed document, because its `attempt` may be wrong too."""


def to_document(job: VideoJob) -> Document:
    """Return the complete document of a job.

    Fields without a value are omitted, except `CONTRACT_FIELDS`, which are null.
    """
    document: Document = {
        "_id": ObjectId(job.id),
        "userId": ObjectId(job.user_id),
        "prompt": job.prompt,
        "style": str(job.style),
        "duration": job.duration,
        "aspectRatio": str(job.aspect_ratio),
        "status": str(job.status),
        "videoUrl": job.video_url,
        "errorMessage": job.error_message,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
        "version": job.version,
        "attempt": job.attempt,
        "next": job.next and _from_next(job.next),
        "lease": job.lease and {"token": job.lease.token, "until": job.lease.until},
        "startedAt": job.started_at,
        "provider": job.provider and _from_provider(job.provider),
        "progress": job.progress,
        "output": job.output and _from_output(job.output),
        "poster": job.poster and from_object(job.poster),
        "preview": job.preview and from_object(job.preview),
        "error": job.error and {"code": job.error.code, "retryable": job.error.retryable},
        "outbox": [{"id": entry.id, "version": entry.version, "at": entry.at} for entry in job.outbox],
        "history": [{"at": entry.at, "status": str(entry.status), "note": entry.note} for entry in job.history],
        "idempotency": job.idempotency and {"key": job.idempotency.key, "fingerprint": job.idempotency.fingerprint},
        "expiresAt": job.expires_at,
        "priority": str(job.priority),
        "batchId": job.batch_id and ObjectId(job.batch_id),
        "waitingSince": job.waiting_since,
        "spentAttempts": job.attempts_before_retry or None,
        "deletedAt": job.deleted_at,
        "wantedProvider": job.requested_provider,
        "production": job.production and from_production(job.production),
        "passedOver": list(job.exhausted_providers) or None,
        "traceparent": job.traceparent,
        "seed": job.seed,
        "negativePrompt": job.negative_prompt,
        "sound": job.sound or None,
        "resolution": None if job.resolution is Resolution.P720 else str(job.resolution),
        "ignored": list(job.ignored) or None,
    }
    return {name: value for name, value in document.items() if value is not None or name in CONTRACT_FIELDS}


def from_document(document: Document) -> VideoJob:
    """Return the job that a document contains. Unknown fields are ignored.

    Missing fields, as in documents that the Express server wrote, get their defaults. So do malformed values of the
    fields of a request, of its times and of fields that are only shown; they are logged once, by their names. Any
    other malformed value makes the whole document malformed, because a wrong step, lease or plan could cost money.

    Raises:
        MalformedDocument: If the document is malformed.
    """
    fields = Fields(document)
    job_id = fields.require("_id", _to_id)
    created_at = fields.replace("createdAt", to_time, document["_id"].generation_time)
    job = VideoJob(
        id=JobId(job_id),
        user_id=UserId(fields.require("userId", to_object_id)),
        prompt=fields.replace("prompt", to_text, ""),
        style=fields.replace("style", to_text, ""),
        duration=fields.replace("duration", to_number, None),
        aspect_ratio=fields.replace("aspectRatio", to_text, ""),
        status=fields.require("status", JobStatus),
        created_at=created_at,
        updated_at=fields.replace("updatedAt", to_time, created_at),
        video_url=fields.replace("videoUrl", to_text, None),
        error_message=fields.replace("errorMessage", to_text, None),
        version=fields.read("version", to_integer, 0),
        attempt=fields.read("attempt", _to_attempt, 1),
        next=fields.read("next", _to_next, None),
        lease=fields.read("lease", lambda lease: Lease(to_text(lease["token"]), to_time(lease["until"])), None),
        started_at=fields.read("startedAt", to_time, None),
        provider=fields.read("provider", _to_provider, None),
        progress=fields.replace("progress", _to_progress, None),
        output=fields.replace("output", _to_output, None),
        poster=fields.replace("poster", to_object, None),
        preview=fields.replace("preview", to_object, None),
        error=fields.replace("error", _to_error, None),
        history=_read_list(fields, document, "history", _to_entry),
        outbox=_read_list(fields, document, "outbox", _to_announcement),
        idempotency=fields.read("idempotency", to_key, None),
        expires_at=fields.read("expiresAt", to_time, None),
        priority=fields.read("priority", Priority, Priority.NORMAL),
        batch_id=fields.read("batchId", lambda batch_id: BatchId(to_object_id(batch_id)), None),
        waiting_since=fields.read("waitingSince", to_time, None),
        attempts_before_retry=fields.read("spentAttempts", _to_attempts, 0),
        deleted_at=fields.read("deletedAt", to_time, None),
        requested_provider=fields.read("wantedProvider", to_text, None),
        production=fields.read("production", to_production, None),
        exhausted_providers=fields.read("passedOver", lambda names: tuple(map(to_text, to_list(names))), ()),
        traceparent=fields.replace("traceparent", to_text, None),
        seed=fields.replace("seed", _to_seed, None),
        negative_prompt=fields.replace("negativePrompt", to_text, None),
        sound=fields.replace("sound", to_flag, False),  # noqa: FBT003
        resolution=fields.replace("resolution", Resolution, Resolution.P720),
        ignored=fields.replace("ignored", lambda names: tuple(map(to_text, to_list(names))), ()),
    )
    fields.log_replaced("job")
    return job


def describe_malformed(document: Document) -> MalformedJob:
    """Return what is known of a malformed document. At least `ATTEMPTS_OF_MALFORMED` attempts may have objects."""
    job_id = JobId(str(document["_id"])) if isinstance(document["_id"], ObjectId) else None
    attempts = max(Fields(document).replace("attempt", _to_attempt, 1), ATTEMPTS_OF_MALFORMED)
    return MalformedJob(document["_id"], job_id, attempts)


def _to_id(value: object) -> str:
    if not isinstance(value, ObjectId):
        raise ValueError("not an ObjectId")  # noqa: TRY004 - one error for all malformed values
    return str(value)


def _to_progress(value: object) -> float:
    if not 0 <= (progress := to_number(value)) <= 1:
        raise ValueError("not a progress")
    return progress


def _to_seed(value: object) -> int:
    if (seed := to_integer(value)) > MAXIMUM_SEED:
        raise ValueError("not a seed")
    return seed


def _to_attempts(value: object) -> int:
    if (attempts := to_integer(value)) > MAXIMUM_ATTEMPTS:
        raise ValueError("too many attempts")
    return attempts


def _to_attempt(value: object) -> int:
    if (attempt := _to_attempts(value)) < 1:
        raise ValueError("not an attempt")
    return attempt


def _read_list[T](fields: Fields, document: Document, name: str, convert: Callable[[Any], T]) -> tuple[T, ...]:
    """Return the converted entries of a list; empty if the field is missing. Null is malformed: `$push` rejects it."""
    if name in document and document[name] is None:
        raise MalformedDocument(name)
    return fields.read(name, lambda entries: tuple(map(convert, to_list(entries))), ())


def _to_entry(value: Document) -> HistoryEntry:
    return HistoryEntry(to_time(value["at"]), JobStatus(value["status"]), to_text(value["note"]))


def _to_announcement(value: Document) -> Announcement:
    return Announcement(to_text(value["id"]), to_integer(value["version"]), to_time(value["at"]))


def to_key(value: Document) -> IdempotencyKey:
    """Return the idempotency key of a job or a batch; raise an error that `Fields` translates if it is malformed."""
    return IdempotencyKey(to_text(value["key"]), to_text(value["fingerprint"]))


def _to_error(value: Document) -> JobError:
    return JobError(to_text(value["code"]), retryable=value["retryable"] is True)


def _from_next(step: NextStep) -> Document:
    counts = {"resends": step.resends, "runs": step.runs}
    return {"id": step.id, "step": str(step.step), "dueAt": step.due_at} | counts


def _to_next(value: Document) -> NextStep:
    return NextStep(
        to_text(value["id"]),
        Step(value["step"]),
        to_time(value["dueAt"]),
        resends=to_integer(value.get("resends", 0)),
        runs=to_integer(value.get("runs", 0)),
    )


def _from_provider(task: ProviderTask) -> Document:
    fields = {"name": task.name, "submittedAt": task.submitted_at, "ref": task.ref, "unreachable": task.unreachable}
    optional = {"failingSince": task.failing_since, "resultUrl": task.result_url}
    return fields | {name: value for name, value in optional.items() if value is not None}


def _to_provider(value: Document) -> ProviderTask:
    return ProviderTask(
        to_text(value["name"]),
        to_time(value["submittedAt"]),
        ref=optional(to_text, value.get("ref")),
        unreachable=to_integer(value.get("unreachable", 0)),
        failing_since=optional(to_time, value.get("failingSince")),
        result_url=optional(to_text, value.get("resultUrl")),
    )


def _from_output(output: Output) -> Document:
    size = {"width": output.width, "height": output.height, "seconds": output.seconds, "segments": output.segments}
    missing = {"missingScripts": list(output.missing_scripts)} if output.missing_scripts else {}
    return from_object(output.video) | size | missing


def _to_output(value: Document) -> Output:
    return Output(
        to_object(value),
        to_integer(value["width"]),
        to_integer(value["height"]),
        to_number(value["seconds"]),
        to_integer(value.get("segments", 1)),
        tuple(map(to_text, value.get("missingScripts", ()))),
    )
