"""Serialization of jobs and batches into response bodies, without internal fields."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from videojobs.api.envelopes import (
    AcceptedData,
    AcceptedEnvelope,
    BatchAcceptedEnvelope,
    BatchEnvelope,
    CallbackEnvelope,
    CostData,
    ErasureEnvelope,
    EstimateData,
    OutputData,
    TicketEnvelope,
    VideoJobData,
    VideoJobEnvelope,
    VideoJobListEnvelope,
)
from videojobs.domain.estimate import JobEstimate
from videojobs.domain.job import Batch, JobId, JobStatus, Output, VideoJob
from videojobs.domain.production import Production
from videojobs.domain.storage import is_web_url
from videojobs.domain.timestamps import format_timestamp

type Sign = Callable[[str], str | None]
"""A function that makes a presigned URL of an `s3://` URL, or None if the object is not one of a job."""


def serialize_accepted(job: VideoJob) -> AcceptedEnvelope:
    """Return the response to a new job. A replayed request gets the same response, even after the job has ended."""
    return {"success": True, "data": _accepted(job.id)}


def serialize_accepted_batch(batch: Batch) -> BatchAcceptedEnvelope:
    """Return the response to a new batch. A replayed request gets the same response, even after its jobs have ended."""
    return {"success": True, "data": {"batchId": batch.id, "items": [_accepted(job_id) for job_id in batch.job_ids]}}


def serialize_job(job: VideoJob, *, sign: Sign, estimate: JobEstimate | None = None) -> VideoJobEnvelope:
    """Return the job as its owner sees it, without estimates if `estimate` is None. Errors of `sign` are raised."""
    return {"success": True, "data": _show(job, sign, estimate)}


def serialize_jobs(jobs: Sequence[VideoJob], next_cursor: str | None, *, sign: Sign) -> VideoJobListEnvelope:
    """Return a page of jobs, each as in `serialize_job` but without estimates. Errors of `sign` are raised."""
    return {"success": True, "data": {"items": [_show(job, sign) for job in jobs], "nextCursor": next_cursor}}


def serialize_batch(batch: Batch, counts: Mapping[JobStatus, int]) -> BatchEnvelope:
    """Return the batch with the number of its jobs in each status."""
    return {
        "success": True,
        "data": {
            "batchId": batch.id,
            "createdAt": format_timestamp(batch.created_at),
            "total": len(batch.job_ids),
            "counts": {
                "queued": counts[JobStatus.QUEUED],
                "processing": counts[JobStatus.PROCESSING],
                "completed": counts[JobStatus.COMPLETED],
                "failed": counts[JobStatus.FAILED],
                "cancelled": counts[JobStatus.CANCELLED],
            },
        },
    }


def serialize_ticket(ticket: str, expires_at: datetime) -> TicketEnvelope:
    """Return the response to a request for a ticket."""
    return {"success": True, "data": {"ticket": ticket, "expiresAt": format_timestamp(expires_at)}}


def serialize_erasure() -> ErasureEnvelope:
    """Return the response to an erasure that continues in the background."""
    return {"success": True, "data": {"status": "erasing"}}


def serialize_callback() -> CallbackEnvelope:
    """Return the response to an accepted callback."""
    return {"success": True, "data": {"accepted": True}}


def _accepted(job_id: JobId) -> AcceptedData:
    return {"jobId": job_id, "status": JobStatus.QUEUED.value}


def _show(job: VideoJob, sign: Sign, estimate: JobEstimate | None = None) -> VideoJobData:
    return {
        "jobId": job.id,
        "status": job.status.value,
        "videoUrl": _show_url(job.video_url, sign),
        "errorMessage": _text(job.error_message),
        "prompt": _text(job.prompt),
        "style": _text(job.style),
        "duration": _number(job.duration),
        "aspectRatio": _text(job.aspect_ratio),
        "createdAt": format_timestamp(job.created_at),
        "updatedAt": format_timestamp(job.updated_at),
        "progress": _number(job.progress),
        "posterUrl": sign(job.poster.url) if job.poster and job.status is JobStatus.COMPLETED else None,
        "previewUrl": sign(job.preview.url) if job.preview and job.status is JobStatus.COMPLETED else None,
        "priority": job.priority.value,
        "batchId": job.batch_id,
        "estimatedSecondsLeft": estimate.eta_seconds if estimate else None,
        "queuePosition": estimate.queue_position if estimate else None,
        "version": job.version,
        "provider": job.requested_provider,
        "promptShortened": job.production is not None and job.production.is_shortened,
        "output": _show_output(job.output) if job.output and job.status is JobStatus.COMPLETED else None,
        "estimatedCost": show_estimate(job.production),
        "actualCost": _show_cost(job.production),
        "seed": job.seed,
        "negativePrompt": _text(job.negative_prompt),
        "sound": job.sound,
        "resolution": job.resolution.value,
        "ignored": list(job.ignored),
    }


def _show_output(output: Output) -> OutputData:
    return {
        "seconds": round(output.seconds, 3),
        "width": output.width,
        "height": output.height,
        "bytes": output.video.size_bytes,
        "segments": output.segments,
        "missingScripts": list(output.missing_scripts),
    }


def show_estimate(production: Production | None) -> EstimateData | None:
    """Return the price of a production, or None if there is no production or a price is not known."""
    amount = production.plan.price_usd if production else None
    if production is None or amount is None:
        return None
    as_of = production.prices_as_of.isoformat() if production.prices_as_of else None
    return {"amount": float(amount), "currency": "USD", "pricesAsOf": as_of}


def _show_cost(production: Production | None) -> CostData | None:
    if production is None or production.actual_usd is None:
        return None
    return {"amount": float(production.actual_usd), "currency": "USD"}


# The former Express server stored unvalidated values: values that violate the OpenAPI schema become null.


def _show_url(url: object, sign: Sign) -> str | None:
    if not isinstance(url, str) or not url:
        return None
    return sign(url) if url.startswith("s3://") else url if is_web_url(url) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
