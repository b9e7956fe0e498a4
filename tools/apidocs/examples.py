"""The example requests and jobs of the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from videojobs.api.envelopes import VideoJobEnvelope
from videojobs.api.query import encode_cursor
from videojobs.api.schemas import GenerateRequest
from videojobs.api.views import serialize_job
from videojobs.domain.errors import ProviderUnreachable
from videojobs.domain.estimate import JobEstimate
from videojobs.domain.job import Batch, BatchId, JobId, JobStatus, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.storage import StoredObject
from videojobs.ports.jobs import Position

JOB_ID = JobId("665f1f77bcf86cd799439011")
ANOTHER_JOB_ID = JobId("665f1f77bcf86cd799439012")
BATCH_ID = BatchId("665f1f77bcf86cd799439010")
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
AT = datetime(2026, 1, 8, 10, tzinfo=UTC)
CURSOR = encode_cursor(Position(AT, JOB_ID))
BATCH = Batch(BATCH_ID, UserId("507f191e810c19729de860ea"), (JOB_ID, ANOTHER_JOB_ID), AT, AT + timedelta(days=60))
COUNTS = {status: int(status in {JobStatus.PROCESSING, JobStatus.COMPLETED}) for status in JobStatus}
_PROSPECTS = {
    JobStatus.QUEUED: JobEstimate(retry_after_seconds=5, queue_position=3),
    JobStatus.PROCESSING: JobEstimate(retry_after_seconds=2, eta_seconds=8),
}


def example_request() -> dict[str, object]:
    """Return an example body of `generateVideo`: the fields of the model that have an example."""
    fields = GenerateRequest.model_fields.items()
    return {field.alias or name: field.examples[0] for name, field in fields if field.examples}


def example_batch() -> dict[str, object]:
    """Return an example body of `generateBatch` with two items."""
    request = example_request()
    del request["priority"]  # the batch's priority applies to all items
    return {"items": [request, request | {"duration": 7.5}], "priority": Priority.HIGH.value}


def example_jobs() -> Mapping[JobStatus, VideoJob]:
    """Return an example job for each status."""
    request = GenerateRequest.model_validate(example_request())
    poster, preview = StoredObject("videos", "a.jpg", size_bytes=1), StoredObject("videos", "a.webp", size_bytes=1)
    changes: dict[JobStatus, dict[str, object]] = {
        JobStatus.QUEUED: {},
        JobStatus.PROCESSING: {"progress": 0.4},
        JobStatus.COMPLETED: {"progress": 1.0, "video_url": "s3://videos/a.mp4", "poster": poster, "preview": preview},
        JobStatus.FAILED: {"error_message": ProviderUnreachable().message},
        JobStatus.CANCELLED: {"batch_id": BATCH_ID},
    }
    job = VideoJob(
        id=JOB_ID,
        user_id=BATCH.user_id,
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        status=JobStatus.QUEUED,
        created_at=AT,
        updated_at=AT,
    )
    return {status: replace(job, status=status, **fields) for status, fields in changes.items()}  # type: ignore[arg-type]


def sign_example(url: str) -> str:
    """Return an example of a presigned URL for an `s3://` URL."""
    return f"https://{url.removeprefix('s3://').replace('/', '.example.com/')}?signature=…"


def show_example(status: JobStatus) -> VideoJobEnvelope:
    """Return the response of the API for the example job in a status."""
    return serialize_job(example_jobs()[status], sign=sign_example, estimate=_PROSPECTS.get(status))
