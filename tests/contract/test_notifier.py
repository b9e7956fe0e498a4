"""The contract of `Notifier`."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import boto3
import pytest

from tests.builders import an_id
from tests.fakes.clock import START
from tests.fakes.notifier import RecordingNotifier
from tests.servers import free_port
from videojobs.adapters.aws import AwsJsonClient
from videojobs.adapters.sqs import SqsNotifier
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement
from videojobs.domain.trace import following
from videojobs.ports.changes import Notifier

STORY = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

type Heard = Callable[[], list[dict[str, object]]]
"""What a listener got, in any order."""


def _iso(announcement: Announcement) -> str:
    return announcement.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{announcement.at.microsecond // 1000:03}Z"


@pytest.fixture(params=["in memory", "SQS"])
def notifier_and_heard(request: pytest.FixtureRequest) -> tuple[Notifier, Heard]:
    """A notifier that nothing was told yet, and its listener."""
    if request.param == "SQS":
        return _sqs(request.getfixturevalue("aws"))
    notifier = RecordingNotifier()

    def heard() -> list[dict[str, object]]:
        told = notifier.published
        return [{"id": each.id, "jobId": job, "version": each.version, "at": _iso(each)} for job, each in told]

    return notifier, heard


@pytest.fixture(params=["in memory", "SQS: no such host", "SQS: no such queue"])
def unreachable(request: pytest.FixtureRequest) -> Notifier:
    """A notifier that takes nothing."""
    if request.param == "in memory":
        notifier = RecordingNotifier()
        notifier.available = False
        return notifier
    aws = request.getfixturevalue("aws")
    endpoint = aws if "queue" in request.param else f"http://127.0.0.1:{free_port()}"
    return SqsNotifier(_client(endpoint), url=f"{endpoint}/123456789012/nowhere")


def _client(endpoint: str) -> AwsJsonClient:
    return AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="us-east-1", endpoint_url=endpoint)


def _sqs(endpoint: str) -> tuple[Notifier, Heard]:
    sqs = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint)
    url = sqs.create_queue(QueueName=f"events-{uuid4().hex}")["QueueUrl"]

    def heard() -> list[dict[str, object]]:
        bodies = []
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["traceparent"]}
        while received := sqs.receive_message(**asked).get("Messages", []):
            bodies += [json.loads(message["Body"]) for message in received]
            stories = {message["MessageAttributes"]["traceparent"]["StringValue"][:35] for message in received}
            assert stories == {STORY[:35]}
        return bodies

    return SqsNotifier(_client(endpoint), url=url), heard


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_every_announcement_is_heard_with_its_own_id(notifier_and_heard: tuple[Notifier, Heard], count: int) -> None:
    notifier, heard = notifier_and_heard
    job_id = an_id()
    told = [Announcement.of(version, START + timedelta(milliseconds=version)) for version in range(count)]
    with following(STORY):
        notifier.publish(job_id, told)
    events = sorted(heard(), key=lambda event: str(event["at"]))
    assert events == [{"id": each.id, "jobId": job_id, "version": each.version, "at": _iso(each)} for each in told]


def test_a_notifier_that_takes_nothing_says_so(unreachable: Notifier) -> None:
    with pytest.raises(Unavailable):
        unreachable.publish(an_id(), [Announcement.of(1, START)])
