"""Parsing of webhook queue messages, and serialization of webhook bodies."""

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
    """Parse a message of the webhooks queue, in the format that `adapters.sqs` writes.

    Raises:
        KeyError: If a field is missing.
        TypeError: If `body` has an unexpected type.
        ValueError: If a field is malformed.
    """
    return WebhookDelivery(
        endpoint=EndpointId(_text(body["endpoint"])),
        event_id=_text(body["id"]),
        job_id=read_job_id(body),
        attempt=_count(body["attempt"]),
        due_at=_time(body["dueAt"]) if "dueAt" in body else None,
    )


def serialize_webhook(job: VideoJob) -> str:
    """Return the JSON body of a webhook: the job as its owner sees it, plus `userId`, `version` and `apiPath`.

    The body contains no presigned URLs, because webhooks end up in logs and queues and such a URL opens the video to
    any reader. The receiver gets fresh URLs at `apiPath`.
    """
    members = serialize_job(job, sign=str)["data"].items()
    data = {
        **{name: value for name, value in members if name not in _LEFT_OUT},
        "userId": job.user_id,
        "version": job.version,
        "apiPath": f"/api/videos/{job.id}",
    }
    body = {"type": EVENT_TYPE, "timestamp": format_timestamp(job.updated_at), "data": data}
    return json.dumps(
        body, separators=(",", ":")
    )  # ASCII, because an unpaired surrogate in an old document can't be encoded as UTF-8


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a non-empty string")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must be a positive integer")
    return value


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("must be a time with a time zone")
    return at
