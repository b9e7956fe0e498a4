"""The example requests and jobs of the API documents: one job at several moments."""

from collections.abc import Mapping
from copy import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from videojobs.api.envelopes import VideoJobEnvelope
from videojobs.api.query import encode_cursor
from videojobs.api.schemas import GenerateRequest
from videojobs.api.updates import JobUpdated, serialize_update
from videojobs.api.views import serialize_job
from videojobs.domain.errors import ProviderUnreachable
from videojobs.domain.estimate import JobEstimate
from videojobs.domain.job import Batch, BatchId, JobId, JobStatus, Output, UserId, VideoJob
from videojobs.domain.plan import FRAMES_PER_SECOND, SIZES, Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.request import Priority
from videojobs.domain.storage import StoredObject, object_key
from videojobs.ports.changes import Change
from videojobs.ports.jobs import Position
from videojobs.ports.videos import Offers

JOB_ID = JobId("665f1f77bcf86cd799439011")
ANOTHER_JOB_ID = JobId("665f1f77bcf86cd799439012")
BATCH_ID = BatchId("665f1f77bcf86cd799439010")
EVENT_ID = "9a7b41c9d5e34c2fb6a01d8e7f305b62"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
AT = datetime(2026, 1, 8, 10, tzinfo=UTC)
CURSOR = encode_cursor(Position(AT, JOB_ID))
BATCH = Batch(BATCH_ID, UserId("507f191e810c19729de860ea"), (JOB_ID, ANOTHER_JOB_ID), AT, AT + timedelta(days=60))
COUNTS = {status: int(status in {JobStatus.PROCESSING, JobStatus.COMPLETED}) for status in JobStatus}
_BUCKET = "videojobs-prod-videos"
_ESTIMATES = {
    JobStatus.QUEUED: JobEstimate(retry_after_seconds=5, queue_position=3),
    JobStatus.PROCESSING: JobEstimate(retry_after_seconds=3, eta_seconds=15),
}


def example_request() -> dict[str, object]:
    """Return an example body of `generateVideo`: the required fields."""
    fields = GenerateRequest.model_fields.items()
    return {field.alias or name: (field.examples or [])[0] for name, field in fields if field.is_required()}


def example_batch() -> dict[str, object]:
    """Return an example body of `generateBatch` with two items."""
    request = example_request()
    return {"items": [request, request | {"duration": 7.5}], "priority": Priority.HIGH.value}


class ExampleTimings:
    """Durations of jobs for the example of an estimate."""

    def record(self, kind: str, seconds: float) -> None:
        """Ignore the duration."""

    def usual_seconds(self, kind: str) -> float:  # noqa: ARG002 - part of the protocol
        """Return the same duration for every kind."""
        return 25


def example_offers() -> Offers:
    """Return the offers of a deployment with Luma and the sketch."""
    from videojobs.adapters.offers import find_offer

    return Offers(("luma", "sketch"), lambda name: find_offer(name, {}))


def example_jobs() -> Mapping[JobStatus, VideoJob]:
    """Return the example job in each status: queued, in processing, and with each outcome."""
    request = GenerateRequest.model_validate(example_request())
    queued = VideoJob(
        id=JOB_ID,
        user_id=BATCH.user_id,
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        status=JobStatus.QUEUED,
        created_at=AT,
        updated_at=AT,
        version=1,
    )
    clip = Clip(*SIZES[request.resolution][request.aspect_ratio], seconds=request.duration, price_usd=Decimal("0.40"))
    frames = round(clip.seconds * FRAMES_PER_SECOND)
    plan = Plan((clip,), crop=(clip.width, clip.height), width=clip.width, height=clip.height, frames=frames)
    production = Production("fal", plan, prices_as_of=date(2025, 12, 1))
    video, poster, preview = (
        StoredObject(_BUCKET, object_key(JOB_ID, queued.attempt, kind), size_bytes)
        for kind, size_bytes in {"mp4": 2_481_152, "jpg": 81_920, "webp": 245_760}.items()
    )
    processing = replace(
        queued,
        status=JobStatus.PROCESSING,
        version=3,
        progress=0.4,
        started_at=_after(2.125),
        updated_at=_after(12.5),
        production=production,
    )
    completed = replace(
        processing,
        status=JobStatus.COMPLETED,
        version=5,
        progress=1.0,
        updated_at=_after(27.75),
        production=replace(production, actual_usd=clip.price_usd),
        video_url=video.url,
        output=Output(video, plan.width, plan.height, seconds=clip.seconds),
        poster=poster,
        preview=preview,
    )
    message = ProviderUnreachable().message
    failed = replace(processing, status=JobStatus.FAILED, version=4, updated_at=_after(95.25), error_message=message)
    cancelled = replace(processing, status=JobStatus.CANCELLED, version=4, updated_at=_after(14.0))
    return {job.status: job for job in (queued, processing, completed, failed, cancelled)}


def example_page() -> list[VideoJob]:
    """Return an example page of a list: a queued job of a batch, and the completed example job."""
    jobs = example_jobs()
    newer = replace(jobs[JobStatus.QUEUED], id=ANOTHER_JOB_ID, batch_id=BATCH_ID, created_at=_after(30), duration=7.5)
    return [replace(newer, updated_at=newer.created_at), jobs[JobStatus.COMPLETED]]


def sign_example(url: str) -> str:
    """Return an example of a presigned URL for an `s3://` URL."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}?X-Amz-Expires=900&X-Amz-Signature=…"


def show_example(status: JobStatus) -> VideoJobEnvelope:
    """Return the response of the API for the example job in a status."""
    return serialize_job(example_jobs()[status], sign=sign_example, estimate=_ESTIMATES.get(status))


def show_retried() -> VideoJobEnvelope:
    """Return the response of the API for the failed example job after a retry."""
    failed, queued = example_jobs()[JobStatus.FAILED], example_jobs()[JobStatus.QUEUED]
    retried = replace(queued, version=failed.version + 1, updated_at=_after(130))
    return serialize_job(retried, sign=sign_example, estimate=_ESTIMATES[JobStatus.QUEUED])


def example_updates() -> Mapping[str, JobUpdated]:
    """Return the messages about the example job by their names: those of a live connection from its snapshot on."""
    jobs = example_jobs()
    changes = {
        "snapshot": Change(f"snapshot-{JOB_ID}-{jobs[JobStatus.QUEUED].version}", jobs[JobStatus.QUEUED]),
        "progress": Change(EVENT_ID, jobs[JobStatus.PROCESSING], _ESTIMATES[JobStatus.PROCESSING]),
        "completed": Change(EVENT_ID[::-1], jobs[JobStatus.COMPLETED]),
        "failed": Change(EVENT_ID[::-1], jobs[JobStatus.FAILED]),
    }
    return {name: serialize_update(change, sign=sign_example) for name, change in changes.items()}


def _after(seconds: float) -> datetime:
    """Return the time so long after the creation of the example job."""
    return AT + timedelta(seconds=seconds)
