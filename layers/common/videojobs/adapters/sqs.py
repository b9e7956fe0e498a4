"""Senders for SQS standard queues, which deliver at least once and in no guaranteed order."""

import json
from collections.abc import Collection, Mapping, Sequence
from math import ceil

from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, JobId, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.timestamps import format_timestamp
from videojobs.domain.trace import continued
from videojobs.domain.webhook import EndpointId, WebhookDelivery
from videojobs.ports.changes import Change

BATCH = 10
"""SQS's limit of messages per SendMessageBatch request."""


def _trace_attribute(traceparent: str | None = None) -> dict[str, object]:
    """Return the message attribute `traceparent`, by which the receiver continues the trace; empty without a trace."""
    carried = continued(traceparent)
    return {"MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": carried}}} if carried else {}


class SqsNotifier:
    """Sender of announcements to one queue. Implements `ports.Notifier`."""

    def __init__(self, client: AwsJsonClient, *, url: str) -> None:
        """Keep the client and the URL of the queue."""
        self._client, self._url = client, url

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Send a message `{id, jobId, version, at}` for each announcement, at least once, ten per request.

        Raises:
            Unavailable: If SQS did not confirm all messages; some may have been sent.
        """
        for start in range(0, len(announcements), BATCH):
            entries = [
                {
                    "Id": announcement.id,
                    "MessageBody": json.dumps(_event(job_id, announcement)),
                    **_trace_attribute(),
                }
                for announcement in announcements[start : start + BATCH]
            ]
            if self._client.call("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries}).get("Failed"):
                raise Unavailable


def _event(job_id: JobId, announcement: Announcement) -> dict[str, object]:
    at = format_timestamp(announcement.at)
    return {"id": announcement.id, "jobId": job_id, "version": announcement.version, "at": at}


MAXIMUM_DELAY_SECONDS = 900
"""SQS's limit: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html."""


class SqsJobQueue:
    """Sender of job steps to the queue of their priority and step. Implements `ports.JobQueue`."""

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: AwsJsonClient, *, urls: Mapping[tuple[Priority, Step], str]) -> None:
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
        message = {
            "QueueUrl": self._urls[job.priority, job.next.step],
            "MessageBody": json.dumps({"jobId": job.id, "stepId": job.next.id}),
            "MessageGroupId": job.user_id,
            "DelaySeconds": ceil(delay_seconds),
            **_trace_attribute(job.traceparent),
        }
        self._client.call("SendMessage", message)


class SqsWebhookQueue:
    """Sender of webhook deliveries to one queue. Implements `ports.WebhookQueue`.

    The message group is the endpoint, so that a slow endpoint does not delay the other endpoints.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: AwsJsonClient, *, url: str, endpoints: Collection[EndpointId]) -> None:
        """Keep the client, the URL of the queue and the IDs of all endpoints."""
        self._client, self._url, self._endpoints = client, url, tuple(endpoints)

    def enqueue(self, change: Change) -> None:
        """Send a delivery of the change to each endpoint, at least once, ten per request.

        Raises:
            Unavailable: If SQS did not confirm all messages; some may have been sent.
        """
        for start in range(0, len(self._endpoints), BATCH):
            entries = [
                {
                    "Id": endpoint,
                    **_delivery_message(WebhookDelivery(endpoint, change.id, change.job.id)),
                    **_trace_attribute(change.job.traceparent),
                }
                for endpoint in self._endpoints[start : start + BATCH]
            ]
            if self._client.call("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries}).get("Failed"):
                raise Unavailable

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Send the delivery again after `delay_seconds`, rounded up, at most `maximum_delay_seconds`.

        Raises:
            Unavailable: If SQS does not respond or reports an error; the message may still arrive.
        """
        message = {"QueueUrl": self._url, **_delivery_message(delivery), "DelaySeconds": ceil(delay_seconds)}
        self._client.call("SendMessage", message | _trace_attribute())


def _delivery_message(delivery: WebhookDelivery) -> dict[str, object]:
    body: dict[str, object] = {
        "id": delivery.event_id,
        "jobId": delivery.job_id,
        "endpoint": delivery.endpoint,
        "attempt": delivery.attempt,
    }
    if delivery.due_at is not None:
        body["dueAt"] = format_timestamp(delivery.due_at)
    return {"MessageBody": json.dumps(body), "MessageGroupId": delivery.endpoint}
