"""The contract of `WebhookQueue`: sent messages can be read by the function that receives them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import boto3
import pytest

from tests.aws import light_sqs
from tests.builders import a_job, an_id
from tests.fakes.clock import START
from tests.fakes.webhooks import RecordingWebhookQueue
from tests.servers import free_port
from videojobs.adapters.sqs import SqsWebhookQueue
from videojobs.api.webhooks import read_delivery
from videojobs.domain.errors import Unavailable
from videojobs.domain.webhook import EndpointId, WebhookDelivery, name_endpoint
from videojobs.ports.changes import Change, WebhookQueue

ENDPOINT = name_endpoint("https://platform.example/hooks")


@dataclass(frozen=True, slots=True)
class QueueContents:
    """The content of the queue: the deliveries that can be received now, and the number of delayed ones."""

    now: list[WebhookDelivery]
    later: int


type MakeQueue = Callable[[list[EndpointId]], tuple[WebhookQueue, Callable[[], QueueContents]]]
"""A function that creates an empty queue for these endpoints, and a function that reads it."""


def _in_memory(endpoints: list[EndpointId]) -> tuple[WebhookQueue, Callable[[], QueueContents]]:
    queue = RecordingWebhookQueue(endpoints=endpoints)

    def look() -> QueueContents:
        now = [delivery for delivery, delay_seconds in queue.sent if delay_seconds == 0]
        return QueueContents(now, len(queue.sent) - len(now))

    return queue, look


@pytest.fixture(params=["in memory", "SQS"])
def make(request: pytest.FixtureRequest) -> MakeQueue:
    """Return a function that creates each kind of queue."""
    if request.param == "in memory":
        return _in_memory
    endpoint_url = request.getfixturevalue("aws")
    sqs = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint_url)

    def on_sqs(endpoints: list[EndpointId]) -> tuple[WebhookQueue, Callable[[], QueueContents]]:
        url = sqs.create_queue(QueueName=f"webhooks-{uuid4().hex}")["QueueUrl"]

        def look() -> QueueContents:
            bodies = []
            while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                bodies += [json.loads(message["Body"]) for message in received]
            name = "ApproximateNumberOfMessagesDelayed"
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
            return QueueContents([read_delivery(body) for body in bodies], int(attributes[name]))

        return SqsWebhookQueue(light_sqs(endpoint_url), url=url, endpoints=endpoints), look

    return on_sqs


@pytest.fixture(params=["in memory", "SQS: no such host", "SQS: no such queue"])
def unreachable(request: pytest.FixtureRequest) -> WebhookQueue:
    """Return a queue that cannot send."""
    if request.param == "in memory":
        queue = RecordingWebhookQueue(endpoints=[ENDPOINT])
        queue.available = False
        return queue
    aws = request.getfixturevalue("aws")
    endpoint_url = aws if "queue" in request.param else f"http://127.0.0.1:{free_port()}"
    return SqsWebhookQueue(light_sqs(endpoint_url), url=f"{endpoint_url}/123456789012/nowhere", endpoints=[ENDPOINT])


@pytest.mark.parametrize("count", [0, 1, 3, 12])
def test_a_change_is_sent_to_every_endpoint_at_once(make: MakeQueue, count: int) -> None:
    endpoints = [name_endpoint(f"https://platform.example/{number}") for number in range(count)]
    queue, look = make(endpoints)
    change = Change("event-1", a_job())
    queue.enqueue(change)
    contents = look()
    assert contents.later == 0
    assert sorted(contents.now, key=str) == sorted(
        (WebhookDelivery(endpoint, "event-1", change.job.id) for endpoint in endpoints), key=str
    )


@pytest.mark.parametrize("delay_seconds", [0.001, 5, 900])
def test_a_delayed_delivery_arrives_later(make: MakeQueue, delay_seconds: float) -> None:
    queue, look = make([ENDPOINT])
    queue.send_again(WebhookDelivery(ENDPOINT, "event-1", an_id()), delay_seconds=delay_seconds)
    assert look() == QueueContents([], 1)


def test_a_delivery_is_received_unchanged(make: MakeQueue) -> None:
    queue, look = make([ENDPOINT])
    delivery = WebhookDelivery(ENDPOINT, "event-1", an_id(), attempt=7, due_at=START + timedelta(milliseconds=1))
    queue.send_again(delivery, delay_seconds=0)
    assert look() == QueueContents([delivery], 0)


def test_sending_raises_unavailable_when_the_queue_is_unavailable(unreachable: WebhookQueue) -> None:
    with pytest.raises(Unavailable):
        unreachable.enqueue(Change("event-1", a_job()))
    with pytest.raises(Unavailable):
        unreachable.send_again(WebhookDelivery(ENDPOINT, "event-1", an_id()), delay_seconds=5)
