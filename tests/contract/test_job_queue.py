"""The contract of `JobQueue`."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import boto3
import pytest

from tests.builders import a_step, an_id
from tests.fakes.queue import RecordingQueue
from tests.servers import free_port
from videojobs.adapters.aws import AwsJsonClient
from videojobs.adapters.sqs import SqsJobQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Step
from videojobs.ports import JobQueue


@dataclass(frozen=True, slots=True)
class Waiting:
    """What lies in the queues: `(jobId, stepId)` that a consumer gets now, and how many come later."""

    now: list[tuple[str, str]]
    later: int


type Look = Callable[[Step], Waiting]
"""Looks into the queue of a kind of step."""


@pytest.fixture(params=["in memory", "SQS"])
def queue_and_look(request: pytest.FixtureRequest) -> tuple[JobQueue, Look]:
    """An empty pair of queues, and a way to look into them."""
    if request.param == "SQS":
        return _sqs(request.getfixturevalue("aws"))
    queue = RecordingQueue()

    def look(step: Step) -> Waiting:
        sent = [message for message in queue.sent if (message.step is Step.RENDER) == (step is Step.RENDER)]
        now = [(str(message.job_id), message.step_id) for message in sent if message.delay_seconds == 0]
        return Waiting(now, len(sent) - len(now))

    return queue, look


@pytest.fixture(params=["in memory", "SQS: no such host", "SQS: no such queue"])
def unreachable(request: pytest.FixtureRequest) -> JobQueue:
    """A queue that takes nothing."""
    if request.param == "in memory":
        queue = RecordingQueue()
        queue.available = False
        return queue
    aws = request.getfixturevalue("aws")
    endpoint = aws if "queue" in request.param else f"http://127.0.0.1:{free_port()}"
    client = AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="us-east-1", endpoint_url=endpoint)
    return SqsJobQueue(client, urls=dict.fromkeys(Step, f"{endpoint}/123456789012/nowhere"))


def _sqs(endpoint: str) -> tuple[JobQueue, Look]:
    sqs = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint)
    jobs, render = (sqs.create_queue(QueueName=f"{name}-{uuid4().hex}")["QueueUrl"] for name in ("jobs", "render"))
    urls = dict.fromkeys(Step, jobs) | {Step.RENDER: render}
    client = AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="us-east-1", endpoint_url=endpoint)

    def look(step: Step) -> Waiting:
        received = sqs.receive_message(QueueUrl=urls[step], MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in received]
        assert all(body.keys() == {"jobId", "stepId"} for body in bodies)
        name = "ApproximateNumberOfMessagesDelayed"
        attributes = sqs.get_queue_attributes(QueueUrl=urls[step], AttributeNames=[name])["Attributes"]
        return Waiting([(body["jobId"], body["stepId"]) for body in bodies], int(attributes[name]))

    return SqsJobQueue(client, urls=urls), look


@pytest.mark.parametrize("step", list(Step))
def test_a_message_carries_ids_and_waits_in_the_queue_of_its_kind(
    queue_and_look: tuple[JobQueue, Look], step: Step
) -> None:
    queue, look = queue_and_look
    job_id, next_step = an_id(), a_step(step)
    queue.send(job_id, next_step)
    other = Step.START if step is Step.RENDER else Step.RENDER
    assert look(other) == Waiting([], 0)
    assert look(step) == Waiting([(job_id, next_step.id)], 0)


@pytest.mark.parametrize("delay_seconds", [0.001, 5, 900])
def test_a_message_with_a_delay_comes_later(queue_and_look: tuple[JobQueue, Look], delay_seconds: float) -> None:
    queue, look = queue_and_look
    queue.send(an_id(), a_step(Step.POLL), delay_seconds=delay_seconds)
    assert look(Step.POLL) == Waiting([], 1)


def test_the_same_step_can_be_sent_twice(queue_and_look: tuple[JobQueue, Look]) -> None:
    queue, look = queue_and_look
    job_id, step = an_id(), a_step()
    queue.send(job_id, step)
    queue.send(job_id, step)
    assert Counter(look(Step.START).now) == {(job_id, step.id): 2}


def test_a_queue_that_takes_nothing_says_so(unreachable: JobQueue) -> None:
    with pytest.raises(Unavailable):
        unreachable.send(an_id(), a_step())
