"""What an answer holds: a job as the API shows it, and nothing of how we work on it."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TypedDict

from videojobs.domain.job import JobStatus, VideoJob


class AcceptedData(TypedDict):
    """A job that was just taken on."""

    jobId: str
    status: str


class AcceptedEnvelope(TypedDict):
    """The answer to a request that made a job."""

    success: Literal[True]
    data: AcceptedData


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


def show_accepted(job: VideoJob) -> AcceptedEnvelope:
    """The answer to a new job; a replayed request gets the same one, however far the job has come since."""
    return {"success": True, "data": {"jobId": job.id, "status": JobStatus.QUEUED.value}}


def show_job(job: VideoJob, *, sign: Callable[[str], str]) -> VideoJobEnvelope:
    """The job; `sign` makes a URL that a browser can play of an `s3://` one."""
    url = _text(job.video_url)
    return {
        "success": True,
        "data": {
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
        },
    }


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
