"""What an answer holds: a job as the API shows it, and nothing of how we work on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, TypedDict

from videojobs.domain.job import Batch, JobId, JobStatus, Output, VideoJob
from videojobs.domain.production import Production
from videojobs.domain.prospect import Prospect

type Sign = Callable[[str], str]
"""Makes a URL that a browser can open of an `s3://` one."""


class AcceptedData(TypedDict):
    """A job that was just taken on."""

    jobId: str
    status: str


class AcceptedEnvelope(TypedDict):
    """The answer to a request that made a job."""

    success: Literal[True]
    data: AcceptedData


class BatchAcceptedData(TypedDict):
    """A batch that was just taken on: its jobs in the order of the request."""

    batchId: str
    items: list[AcceptedData]


class BatchAcceptedEnvelope(TypedDict):
    """The answer to a request that made a batch."""

    success: Literal[True]
    data: BatchAcceptedData


class OutputData(TypedDict):
    """What was made: its true length, its size in pixels and bytes, and of how many generations it is joined."""

    seconds: int | float
    width: int
    height: int
    bytes: int
    segments: int


class CostData(TypedDict):
    """What the provider said that it cost."""

    amount: float
    currency: Literal["USD"]


class EstimateData(CostData):
    """What it should cost, by prices that were published at that date."""

    pricesAsOf: str | None


class VideoJobData(TypedDict):
    """A job as its owner sees it; one that the Express server wrote may lack what the types here allow to be null."""

    jobId: str
    status: str
    videoUrl: str | None
    errorMessage: str | None
    prompt: str | None
    style: str | None
    duration: int | float | None
    aspectRatio: str | None
    createdAt: str
    updatedAt: str
    progress: int | float | None
    posterUrl: str | None
    previewUrl: str | None
    priority: str
    batchId: str | None
    estimatedSecondsLeft: int | None
    queuePosition: int | None
    version: int
    provider: str | None
    promptShortened: bool
    output: OutputData | None
    estimatedCost: EstimateData | None
    actualCost: CostData | None


class VideoJobEnvelope(TypedDict):
    """The answer to a question about a job."""

    success: Literal[True]
    data: VideoJobData


class TicketData(TypedDict):
    """A ticket that opens one live connection, and when it is over."""

    ticket: str
    expiresAt: str


class TicketEnvelope(TypedDict):
    """The answer to a request for a ticket."""

    success: Literal[True]
    data: TicketData


def show_ticket(ticket: str, expires_at: datetime) -> TicketEnvelope:
    """The answer to a request for a ticket."""
    return {"success": True, "data": {"ticket": ticket, "expiresAt": format_time(expires_at)}}


class VideoJobListData(TypedDict):
    """A page of jobs, the newest first; `nextCursor` leads to the next one."""

    items: list[VideoJobData]
    nextCursor: str | None


class VideoJobListEnvelope(TypedDict):
    """The answer to a question about all jobs."""

    success: Literal[True]
    data: VideoJobListData


class BatchCounts(TypedDict):
    """How many of a batch's jobs have each status."""

    queued: int
    processing: int
    completed: int
    failed: int
    cancelled: int


class BatchData(TypedDict):
    """A batch as its owner sees it: `total` jobs were asked for, those that were deleted since are counted nowhere."""

    batchId: str
    createdAt: str
    total: int
    counts: BatchCounts


class BatchEnvelope(TypedDict):
    """The answer to a question about a batch."""

    success: Literal[True]
    data: BatchData


class ErasureData(TypedDict):
    """What is removed goes on being removed."""

    status: Literal["erasing"]


class ErasureEnvelope(TypedDict):
    """The answer to the wish to remove more than can be removed at once."""

    success: Literal[True]
    data: ErasureData


class CallbackData(TypedDict):
    """The same for every callback that is signed, whatever comes of it."""

    accepted: Literal[True]


class CallbackEnvelope(TypedDict):
    """The answer to a provider's callback."""

    success: Literal[True]
    data: CallbackData


def show_accepted(job: VideoJob) -> AcceptedEnvelope:
    """The answer to a new job; a replayed request gets the same one, however far the job has come since."""
    return {"success": True, "data": _accepted(job.id)}


def show_accepted_batch(batch: Batch) -> BatchAcceptedEnvelope:
    """The answer to a new batch; a replayed request gets the same one, however far its jobs have come since."""
    return {"success": True, "data": {"batchId": batch.id, "items": [_accepted(job_id) for job_id in batch.job_ids]}}


def show_job(job: VideoJob, *, sign: Sign, prospect: Prospect | None = None) -> VideoJobEnvelope:
    """The job, and how it looks for one that has not ended."""
    return {"success": True, "data": _show(job, sign, prospect)}


def show_jobs(jobs: Sequence[VideoJob], next_cursor: str | None, *, sign: Sign) -> VideoJobListEnvelope:
    """A page of jobs, each as `show_job` shows it, but for its prospects."""
    return {"success": True, "data": {"items": [_show(job, sign) for job in jobs], "nextCursor": next_cursor}}


def show_batch(batch: Batch, counts: Mapping[JobStatus, int]) -> BatchEnvelope:
    """The batch, counted."""
    return {
        "success": True,
        "data": {
            "batchId": batch.id,
            "createdAt": format_time(batch.created_at),
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


def show_erasure() -> ErasureEnvelope:
    """It is under way."""
    return {"success": True, "data": {"status": "erasing"}}


def show_callback() -> CallbackEnvelope:
    """It was heard."""
    return {"success": True, "data": {"accepted": True}}


def _accepted(job_id: JobId) -> AcceptedData:
    return {"jobId": job_id, "status": JobStatus.QUEUED.value}


def _show(job: VideoJob, sign: Sign, prospect: Prospect | None = None) -> VideoJobData:
    url = _text(job.video_url)
    return {
        "jobId": job.id,
        "status": job.status.value,
        "videoUrl": sign(url) if url and url.startswith("s3://") else url,
        "errorMessage": _text(job.error_message),
        "prompt": _text(job.prompt),
        "style": _text(job.style),
        "duration": _number(job.duration),
        "aspectRatio": _text(job.aspect_ratio),
        "createdAt": format_time(job.created_at),
        "updatedAt": format_time(job.updated_at),
        "progress": _number(job.progress),
        "posterUrl": sign(job.poster.url) if job.poster and job.status is JobStatus.COMPLETED else None,
        "previewUrl": sign(job.preview.url) if job.preview and job.status is JobStatus.COMPLETED else None,
        "priority": job.priority.value,
        "batchId": job.batch_id,
        "estimatedSecondsLeft": prospect.seconds_left if prospect else None,
        "queuePosition": prospect.queue_position if prospect else None,
        "version": job.version,
        "provider": job.wanted_provider,
        "promptShortened": job.production is not None and job.production.is_shortened,
        "output": _show_output(job.output) if job.output and job.status is JobStatus.COMPLETED else None,
        "estimatedCost": _show_estimate(job.production),
        "actualCost": _show_cost(job.production),
    }


def _show_output(output: Output) -> OutputData:
    return {
        "seconds": round(output.seconds, 3),
        "width": output.width,
        "height": output.height,
        "bytes": output.video.size_bytes,
        "segments": output.segments,
    }


def _show_estimate(production: Production | None) -> EstimateData | None:
    amount = production.plan.price_usd if production else None
    if production is None or amount is None:
        return None
    as_of = production.prices_as_of.isoformat() if production.prices_as_of else None
    return {"amount": float(amount), "currency": "USD", "pricesAsOf": as_of}


def _show_cost(production: Production | None) -> CostData | None:
    if production is None or production.actual_usd is None:
        return None
    return {"amount": float(production.actual_usd), "currency": "USD"}


def format_time(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as JavaScript's `toISOString` writes it."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


# What the Express server stored was never checked: an answer holds what the API's document promises, or null.


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
