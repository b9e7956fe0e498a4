"""Conversion between jobs and documents of the collection `videojobs`, including those the Express server wrote."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from bson import ObjectId

from videojobs.adapters.mongo.connection import Document
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
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.request import Priority
from videojobs.domain.storage import StoredObject

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
        "poster": job.poster and _from_object(job.poster),
        "preview": job.preview and _from_object(job.preview),
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
        "production": job.production and _from_production(job.production),
        "passedOver": list(job.exhausted_providers) or None,
        "traceparent": job.traceparent,
    }
    return {name: value for name, value in document.items() if value is not None or name in CONTRACT_FIELDS}


def from_document(document: Document) -> VideoJob:
    """Return the job that a document contains.

    Missing fields, as in documents that the Express server wrote, get their defaults. Unknown fields are ignored.

    Raises:
        ArithmeticError, AttributeError, KeyError, TypeError, ValueError: If the document is malformed.
    """
    created_at = document.get("createdAt") or document["_id"].generation_time
    return VideoJob(
        id=JobId(str(document["_id"])),
        user_id=UserId(str(document.get("userId"))),
        prompt=document.get("prompt") or "",
        style=document.get("style") or "",
        duration=document.get("duration"),
        aspect_ratio=document.get("aspectRatio") or "",
        status=JobStatus(document["status"]),
        created_at=created_at,
        updated_at=document.get("updatedAt") or created_at,
        video_url=document.get("videoUrl"),
        error_message=document.get("errorMessage"),
        version=document.get("version", 0),
        attempt=document.get("attempt", 1),
        next=_optional(_to_next, document.get("next")),
        lease=_optional(lambda lease: Lease(lease["token"], lease["until"]), document.get("lease")),
        started_at=document.get("startedAt"),
        provider=_optional(_to_provider, document.get("provider")),
        progress=document.get("progress"),
        output=_optional(_to_output, document.get("output")),
        poster=_optional(_to_object, document.get("poster")),
        preview=_optional(_to_object, document.get("preview")),
        error=_optional(lambda error: JobError(error["code"], error["retryable"]), document.get("error")),
        history=tuple(
            HistoryEntry(entry["at"], JobStatus(entry["status"]), entry["note"])
            for entry in document.get("history", ())
        ),
        outbox=tuple(Announcement(entry["id"], entry["version"], entry["at"]) for entry in document.get("outbox", ())),
        idempotency=_optional(lambda key: IdempotencyKey(key["key"], key["fingerprint"]), document.get("idempotency")),
        expires_at=document.get("expiresAt"),
        priority=Priority(document.get("priority", Priority.NORMAL)),
        batch_id=_optional(lambda batch_id: BatchId(str(batch_id)), document.get("batchId")),
        waiting_since=document.get("waitingSince"),
        attempts_before_retry=document.get("spentAttempts", 0),
        deleted_at=document.get("deletedAt"),
        requested_provider=document.get("wantedProvider"),
        production=_optional(_to_production, document.get("production")),
        exhausted_providers=tuple(document.get("passedOver", ())),
        traceparent=document.get("traceparent"),
    )


def _optional[T](convert: Callable[[Any], T], value: object) -> T | None:
    """Return the converted value, or None for None."""
    return None if value is None else convert(value)


def _from_next(step: NextStep) -> Document:
    return {"id": step.id, "step": str(step.step), "dueAt": step.due_at, "resends": step.resends}


def _to_next(value: Document) -> NextStep:
    return NextStep(value["id"], Step(value["step"]), value["dueAt"], value.get("resends", 0))


def _from_provider(task: ProviderTask) -> Document:
    fields = {"name": task.name, "submittedAt": task.submitted_at, "ref": task.ref, "unreachable": task.unreachable}
    optional = {"failingSince": task.failing_since, "resultUrl": task.result_url}
    return fields | {name: value for name, value in optional.items() if value is not None}


def _to_provider(value: Document) -> ProviderTask:
    return ProviderTask(
        value["name"],
        value["submittedAt"],
        ref=value.get("ref"),
        unreachable=value.get("unreachable", 0),
        failing_since=value.get("failingSince"),
        result_url=value.get("resultUrl"),
    )


def _from_object(stored: StoredObject) -> Document:
    return {"bucket": stored.bucket, "key": stored.key, "bytes": stored.size_bytes}


def _to_object(value: Document) -> StoredObject:
    return StoredObject(value["bucket"], value["key"], value["bytes"])


def _from_output(output: Output) -> Document:
    size = {"width": output.width, "height": output.height, "seconds": output.seconds, "segments": output.segments}
    return _from_object(output.video) | size


def _to_output(value: Document) -> Output:
    return Output(_to_object(value), value["width"], value["height"], value["seconds"], value.get("segments", 1))


def _from_production(production: Production) -> Document:
    plan = production.plan
    return {
        "provider": production.provider,
        "clips": [_from_clip(clip) for clip in plan.clips],
        "crop": list(plan.crop),
        "width": plan.width,
        "height": plan.height,
        "frames": plan.frames,
        "isShortened": production.is_shortened,
        "pricesAsOf": production.prices_as_of and production.prices_as_of.isoformat(),
        "parts": [_from_object(part) for part in production.parts],
        "actualUsd": None if production.actual_usd is None else str(production.actual_usd),
    }


def _to_production(value: Document) -> Production:
    crop_width, crop_height = value["crop"]
    clips = tuple(_to_clip(clip) for clip in value["clips"])
    return Production(
        provider=value["provider"],
        plan=Plan(clips, (crop_width, crop_height), value["width"], value["height"], value["frames"]),
        is_shortened=value["isShortened"],
        prices_as_of=_optional(date.fromisoformat, value["pricesAsOf"]),
        parts=tuple(_to_object(part) for part in value["parts"]),
        actual_usd=_optional(Decimal, value["actualUsd"]),
    )


def _from_clip(clip: Clip) -> Document:
    price = None if clip.price_usd is None else str(clip.price_usd)
    return {"width": clip.width, "height": clip.height, "seconds": clip.seconds, "priceUsd": price}


def _to_clip(value: Document) -> Clip:
    return Clip(value["width"], value["height"], value["seconds"], _optional(Decimal, value["priceUsd"]))
