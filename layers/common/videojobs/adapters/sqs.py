"""The queues: SQS standard queues, at least once, in no promised order."""

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
"""Messages in one SendMessageBatch, by SQS's limit."""


def _trace_attribute(traceparent: str | None = None) -> dict[str, object]:
    """The message's attribute `traceparent`: the story goes on where it is received."""
    carried = continued(traceparent)
    return {"MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": carried}}} if carried else {}


class SqsNotifier:
    """Publishes announcements to one standard queue; see `ports.Notifier`."""

    def __init__(self, client: AwsJsonClient, *, url: str) -> None:
        """`url` is the queue's."""
        self._client, self._url = client, url

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Ten at a time."""
        for start in range(0, len(announcements), BATCH):
            entries = [
                {"Id": each.id, "MessageBody": json.dumps(_event(job_id, each)), **_trace_attribute()}
                for each in announcements[start : start + BATCH]
            ]
            if self._client.call("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries}).get("Failed"):
                raise Unavailable


def _event(job_id: JobId, announcement: Announcement) -> dict[str, object]:
    at = format_timestamp(announcement.at)
    return {"id": announcement.id, "jobId": job_id, "version": announcement.version, "at": at}


MAXIMUM_DELAY_SECONDS = 900
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""


class SqsJobQueue:
    """Sends a step's message to its lane's queue of its kind: `render` to one, all others to another."""

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: AwsJsonClient, *, urls: Mapping[tuple[Priority, Step], str]) -> None:
        """`urls` says where each kind of step goes in each lane; one that is missing is never sent by this function."""
        self._client, self._urls = client, urls

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}`; see `ports.JobQueue`.

        The group makes a standard queue a fair one:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
        """
        if job.next is None:
            raise ValueError("an ended job has no step to send")
        message = {
            "QueueUrl": self._urls[job.priority, job.next.step],
            "MessageBody": json.dumps({"jobId": job.id, "stepId": job.next.id}),
            "MessageGroupId": job.user_id,
            "DelaySeconds": ceil(delay_seconds),
            **_trace_attribute(job.traceparent),
        }
        self._client.call("SendMessage", message)


class SqsWebhookQueue:
    """Sends deliveries to one standard queue; see `ports.WebhookQueue`.

    The message group is the endpoint: SQS then lets one that is slow take little from the others.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, client: AwsJsonClient, *, url: str, endpoints: Collection[EndpointId]) -> None:
        """`url` is the queue's, `endpoints` are all that listen."""
        self._client, self._url, self._endpoints = client, url, tuple(endpoints)

    def enqueue(self, change: Change) -> None:
        """Ten at a time."""
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
        """Send it with a delay."""
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
