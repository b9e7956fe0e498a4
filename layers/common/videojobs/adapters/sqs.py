"""Senders for SQS standard queues, which deliver at least once and in no guaranteed order."""

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import batched
from math import ceil
from typing import TYPE_CHECKING, Protocol, Unpack

from videojobs.adapters.aws import aws_errors, read_trace_header
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, JobId, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.timestamps import format_timestamp
from videojobs.domain.trace import continued
from videojobs.domain.webhook import EndpointId, WebhookDelivery
from videojobs.ports.changes import Change

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchRequestTypeDef,
        SendMessageBatchResultTypeDef,
        SendMessageRequestTypeDef,
        SendMessageResultTypeDef,
    )

BATCH = 10
"""SQS's limit of messages per SendMessageBatch request."""


class SqsClient(Protocol):
    """The operations of boto3's client that the senders call."""

    def send_message(self, **request: "Unpack[SendMessageRequestTypeDef]") -> "SendMessageResultTypeDef":
        """Send a message."""

    def send_message_batch(
        self, **request: "Unpack[SendMessageBatchRequestTypeDef]"
    ) -> "SendMessageBatchResultTypeDef":
        """Send up to ten messages."""


def _send(client: SqsClient, message: "SendMessageRequestTypeDef") -> None:
    """Send a message, at least once.

    Raises:
        Unavailable: If SQS did not confirm the message, which may have been sent.
    """
    try:
        response = client.send_message(**message)
    except aws_errors() as error:
        raise Unavailable from error
    if "MessageId" not in response:
        raise Unavailable from RuntimeError("SendMessage: the response is not from SQS")


def _send_all(client: SqsClient, url: str, entries: "Sequence[SendMessageBatchRequestEntryTypeDef]") -> None:
    """Send messages, at least once, ten per request.

    Raises:
        Unavailable: If SQS did not confirm all messages; some may have been sent.
    """
    for batch in batched(entries, BATCH, strict=False):
        try:
            response = client.send_message_batch(QueueUrl=url, Entries=batch)
        except aws_errors() as error:
            raise Unavailable from error
        if len(response.get("Successful", [])) < len(batch):
            raise Unavailable from RuntimeError(f"SendMessageBatch: {len(response.get('Failed', []))} messages failed")


def _add_trace(
    message: "SendMessageRequestTypeDef | SendMessageBatchRequestEntryTypeDef", traceparent: str | None = None
) -> None:
    """Add the attributes by which the receiver continues the trace, and by which X-Ray and Lambda follow the message.

    Lambda also counts the invocations of a loop in `AWSTraceHeader`:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    carried = continued(traceparent)
    if carried:
        message["MessageAttributes"] = {"traceparent": {"DataType": "String", "StringValue": carried}}
    header = read_trace_header()
    if header:
        message["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}


class SqsNotifier:
    """Sender of announcements to one queue. Implements `ports.Notifier`."""

    def __init__(self, client: SqsClient, *, url: str) -> None:
        """Keep the client and the URL of the queue."""
        self._client, self._url = client, url

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Send a message `{id, jobId, version, at}` for each announcement, at least once, ten per request.

        Raises:
            Unavailable: If SQS did not confirm all messages; some may have been sent.
        """
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": announcement.id, "MessageBody": json.dumps(_event(job_id, announcement))}
            for announcement in announcements
        ]
        for entry in entries:
            _add_trace(entry)
        _send_all(self._client, self._url, entries)


def _event(job_id: JobId, announcement: Announcement) -> dict[str, object]:
    at = format_timestamp(announcement.at)
    return {"id": announcement.id, "jobId": job_id, "version": announcement.version, "at": at}


MAXIMUM_DELAY_SECONDS = 900
"""SQS's limit: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html."""


class SqsJobQueue:
    """Sender of job steps to the queue of their priority and step. Implements `ports.JobQueue`."""

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: SqsClient, *, urls: Mapping[tuple[Priority, Step], str]) -> None:
        """Keep the client and the queue URL of each priority and step that this function sends."""
        self._client, self._urls = client, urls

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}` of the job's next step, at least once.

        The message group is the user, which makes the queue fair between users:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html

        Args:
            job: A job with a next step.
            delay_seconds: At most `maximum_delay_seconds`; rounded up to whole seconds.

        Raises:
            ValueError: If the job has no next step.
            KeyError: If no queue is set for the job's priority and step.
            Unavailable: If SQS does not respond or reports an error; the message may still arrive.
        """
        if job.next is None:
            raise ValueError("the job has no next step to send")
        message: SendMessageRequestTypeDef = {
            "QueueUrl": self._urls[job.priority, job.next.step],
            "MessageBody": json.dumps({"jobId": job.id, "stepId": job.next.id}),
            "MessageGroupId": job.user_id,
            "DelaySeconds": ceil(delay_seconds),
        }
        _add_trace(message, job.traceparent)
        _send(self._client, message)


class SqsWebhookQueue:
    """Sender of webhook deliveries to one queue. Implements `ports.WebhookQueue`.

    The message group is the endpoint, so that a slow endpoint does not delay the other endpoints.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: SqsClient, *, url: str, endpoints: Collection[EndpointId]) -> None:
        """Keep the client, the URL of the queue and the IDs of all endpoints."""
        self._client, self._url, self._endpoints = client, url, tuple(endpoints)

    def enqueue(self, change: Change) -> None:
        """Send a delivery of the change to each endpoint, at least once, ten per request.

        Raises:
            Unavailable: If SQS did not confirm all messages; some may have been sent.
        """
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {
                "Id": endpoint,
                "MessageBody": _delivery_body(WebhookDelivery(endpoint, change.id, change.job.id)),
                "MessageGroupId": endpoint,
            }
            for endpoint in self._endpoints
        ]
        for entry in entries:
            _add_trace(entry, change.job.traceparent)
        _send_all(self._client, self._url, entries)

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Send the delivery again after `delay_seconds`, rounded up, at most `maximum_delay_seconds`.

        Raises:
            Unavailable: If SQS does not respond or reports an error; the message may still arrive.
        """
        message: SendMessageRequestTypeDef = {
            "QueueUrl": self._url,
            "MessageBody": _delivery_body(delivery),
            "MessageGroupId": delivery.endpoint,
            "DelaySeconds": ceil(delay_seconds),
        }
        _add_trace(message)
        _send(self._client, message)


def _delivery_body(delivery: WebhookDelivery) -> str:
    body: dict[str, object] = {
        "id": delivery.event_id,
        "jobId": delivery.job_id,
        "endpoint": delivery.endpoint,
        "attempt": delivery.attempt,
    }
    if delivery.due_at is not None:
        body["dueAt"] = format_timestamp(delivery.due_at)
    return json.dumps(body)
