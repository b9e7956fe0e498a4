"""The contract of `Notifier`."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import boto3
import pytest

from tests.aws import light_sqs
from tests.builders import an_id
from tests.fakes.clock import START
from tests.fakes.notifier import RecordingNotifier
from tests.servers import free_port
from videojobs.adapters.sqs import SqsNotifier
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement
from videojobs.domain.trace import following
from videojobs.ports.changes import Notifier

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type Received = Callable[[], list[dict[str, object]]]
"""A function that returns the received events, in any order."""


def _iso(announcement: Announcement) -> str:
    return announcement.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{announcement.at.microsecond // 1000:03}Z"


@pytest.fixture(params=["in memory", "SQS"])
def notifier_and_received(request: pytest.FixtureRequest) -> tuple[Notifier, Received]:
    """Return a notifier, and a function that returns the events it published."""
    if request.param == "SQS":
        return _sqs(request.getfixturevalue("aws"))
    notifier = RecordingNotifier()

    def received() -> list[dict[str, object]]:
        return [
            {"id": announcement.id, "jobId": job_id, "version": announcement.version, "at": _iso(announcement)}
            for job_id, announcement in notifier.published
        ]

    return notifier, received


@pytest.fixture(params=["in memory", "SQS: no such host", "SQS: no such queue"])
def unreachable(request: pytest.FixtureRequest) -> Notifier:
    """Return a notifier that cannot publish."""
    if request.param == "in memory":
        notifier = RecordingNotifier()
        notifier.available = False
        return notifier
    aws = request.getfixturevalue("aws")
    endpoint = aws if "queue" in request.param else f"http://127.0.0.1:{free_port()}"
    return SqsNotifier(light_sqs(endpoint), url=f"{endpoint}/123456789012/nowhere")


def _sqs(endpoint: str) -> tuple[Notifier, Received]:
    sqs = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint)
    url = sqs.create_queue(QueueName=f"events-{uuid4().hex}")["QueueUrl"]

    def received() -> list[dict[str, object]]:
        bodies = []
        request = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["traceparent"]}
        while messages := sqs.receive_message(**request).get("Messages", []):
            bodies += [json.loads(message["Body"]) for message in messages]
            traceparents = {message["MessageAttributes"]["traceparent"]["StringValue"][:35] for message in messages}
            assert traceparents == {TRACEPARENT[:35]}
        return bodies

    return SqsNotifier(light_sqs(endpoint), url=url), received


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_every_announcement_is_received_with_its_id(
    notifier_and_received: tuple[Notifier, Received], count: int
) -> None:
    notifier, received = notifier_and_received
    job_id = an_id()
    announcements = [Announcement.of(version, START + timedelta(milliseconds=version)) for version in range(count)]
    with following(TRACEPARENT):
        notifier.publish(job_id, announcements)
    events = sorted(received(), key=lambda event: str(event["at"]))
    assert events == [
        {"id": announcement.id, "jobId": job_id, "version": announcement.version, "at": _iso(announcement)}
        for announcement in announcements
    ]


def test_publishing_raises_unavailable_when_the_queue_is_unavailable(unreachable: Notifier) -> None:
    with pytest.raises(Unavailable):
        unreachable.publish(an_id(), [Announcement.of(1, START)])
