"""The notifier: sends each change in the events queue to live connections and to the webhooks queue."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_messages, read_job_id
from videojobs.api.updates import JobUpdated, serialize_update
from videojobs.domain.job import JobId
from videojobs.domain.time_limit import time_limit
from videojobs.observability import logger
from videojobs.ports.changes import Change, Listener
from videojobs.services.notify_change import notify_change
from videojobs.services.push_change import push_change


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an SQS batch of `{id, jobId, version, at}`. Return the messages that SQS must deliver again.

    A failure is logged and not raised.
    """
    # Connections without a response could otherwise take longer than the function may run.
    with time_limit(context.get_remaining_time_in_millis):
        return process_messages(event, _read_event, _notify)


def _read_event(body: Mapping[str, Any]) -> tuple[str, JobId]:
    return str(body["id"]), read_job_id(body)


def _notify(event: tuple[str, JobId]) -> None:
    notify_change(*event, jobs=bootstrap.job_repository(), clock=bootstrap.clock(), listeners=_listeners())


def _listeners() -> Sequence[Listener]:
    return [
        partial(push_change, live=bootstrap.live_connections(), serialize=_serialize),
        bootstrap.webhook_queue().enqueue,
    ]


def _serialize(change: Change) -> JobUpdated:
    # The store is created on first use, because most changes belong to jobs without a video.
    now = bootstrap.clock().now()
    return serialize_update(change, sign=lambda url: bootstrap.video_store().presigned_url(url, now))
