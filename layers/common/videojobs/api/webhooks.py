"""The rim of webhooks: the queue's message on its way in, the body that a receiver gets on its way out."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from videojobs.api.batch import read_job_id
from videojobs.api.views import serialize_job
from videojobs.domain.job import VideoJob
from videojobs.domain.timestamps import format_timestamp
from videojobs.domain.webhook import EndpointId, WebhookDelivery

EVENT_TYPE = "job.updated"
_LEFT_OUT = frozenset({"videoUrl", "posterUrl", "previewUrl", "estimatedSecondsLeft", "queuePosition"})


def read_delivery(body: Mapping[str, Any]) -> WebhookDelivery:
    """A message of the webhooks queue, as `adapters.sqs` writes it.

    Raises:
        KeyError, TypeError, ValueError: it is none of ours.
    """
    return WebhookDelivery(
        endpoint=EndpointId(_text(body["endpoint"])),
        event_id=_text(body["id"]),
        job_id=read_job_id(body),
        attempt=_count(body["attempt"]),
        due_at=_time(body["dueAt"]) if "dueAt" in body else None,
    )


def serialize_webhook(job: VideoJob) -> str:
    """The body: the job as its owner sees it, and whose it is.

    A presigned URL opens a video to whoever holds it, and a webhook lies about in logs and queues: instead of
    `videoUrl` and its like there is `apiPath`, where fresh ones are to be had.
    """
    shown = serialize_job(job, sign=str)["data"].items()
    data = {
        **{name: value for name, value in shown if name not in _LEFT_OUT},
        "userId": job.user_id,
        "version": job.version,
        "apiPath": f"/api/videos/{job.id}",
    }
    body = {"type": EVENT_TYPE, "timestamp": format_timestamp(job.updated_at), "data": data}
    return json.dumps(body, separators=(",", ":"))  # ASCII: half a surrogate pair of an old document has no UTF-8


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("is no text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("is no count")
    return value


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("is no point in time")
    return at
