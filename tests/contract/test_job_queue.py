"""The contract of `JobQueue`."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from uuid import uuid4

import boto3
import pytest

from tests.aws import light_sqs
from tests.builders import A_USER, a_job, a_started_job
from tests.fakes.queue import RecordingQueue
from tests.servers import free_port
from videojobs import bootstrap
from videojobs.adapters.sqs import SqsJobQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.ports.jobs import JobQueue


@dataclass(frozen=True, slots=True)
class QueueContents:
    """The messages of a queue: `(jobId, stepId)` of those that can be received now, and the number of delayed ones."""

    now: list[tuple[str, str]]
    later: int


type Look = Callable[[Priority, Step], QueueContents]
"""A function that reads the queue of a priority and a kind of step."""
PRIORITIES = list(Priority)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(params=["in memory", "SQS"])
def queue_and_look(request: pytest.FixtureRequest) -> tuple[JobQueue, Look]:
    """Return a queue adapter without messages, and a function that reads its queues."""
    if request.param == "SQS":
        return _sqs(request.getfixturevalue("aws"), request.getfixturevalue("monkeypatch"))
    queue = RecordingQueue()

    def look(priority: Priority, step: Step) -> QueueContents:
        alike = [message for message in queue.sent if (message.step is Step.RENDER) == (step is Step.RENDER)]
        sent = [message for message in alike if message.lane is priority]
        now = [(str(message.job_id), message.step_id) for message in sent if message.delay_seconds == 0]
        return QueueContents(now, len(sent) - len(now))

    return queue, look


@pytest.fixture(params=["in memory", "SQS: no such host", "SQS: no such queue"])
def unreachable(request: pytest.FixtureRequest) -> JobQueue:
    """Return a queue adapter that cannot send."""
    if request.param == "in memory":
        queue = RecordingQueue()
        queue.available = False
        return queue
    aws = request.getfixturevalue("aws")
    endpoint = aws if "queue" in request.param else f"http://127.0.0.1:{free_port()}"
    client = light_sqs(endpoint)
    return SqsJobQueue(client, urls=dict.fromkeys(product(PRIORITIES, Step), f"{endpoint}/123456789012/nowhere"))


def _sqs(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[JobQueue, Look]:
    """Create queues and return the adapter that `bootstrap` builds from the environment variables."""
    sqs = boto3.client("sqs", region_name="us-east-1", endpoint_url=endpoint)
    urls: dict[tuple[Priority, Step], str] = {}
    for priority, prefix in (Priority.NORMAL, ""), (Priority.HIGH, "HIGH_"):
        jobs, render = (sqs.create_queue(QueueName=f"{name}-{uuid4().hex}")["QueueUrl"] for name in ("jobs", "render"))
        urls |= {(priority, step): render if step is Step.RENDER else jobs for step in Step}
        monkeypatch.setenv(f"{prefix}JOBS_QUEUE_URL", jobs)
        monkeypatch.setenv(f"{prefix}RENDER_QUEUE_URL", render)
    monkeypatch.setenv("MONGODB_SECRET_ARN", "of-no-secret")
    client = light_sqs(endpoint)
    monkeypatch.setattr(bootstrap, "_sqs", lambda: client)

    def look(priority: Priority, step: Step) -> QueueContents:
        url = urls[priority, step]
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["MessageGroupId"],
            MessageAttributeNames=["traceparent"],
        ).get("Messages", [])
        assert all(message["Attributes"] == {"MessageGroupId": A_USER} for message in received)
        bodies = [json.loads(message["Body"]) for message in received]
        assert all(body.keys() == {"jobId", "stepId"} for body in bodies)
        traceparents = [message["MessageAttributes"]["traceparent"]["StringValue"][:35] for message in received]
        assert traceparents == [TRACEPARENT[:35]] * len(received)
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        later = int(attributes["ApproximateNumberOfMessagesDelayed"])
        return QueueContents([(body["jobId"], body["stepId"]) for body in bodies], later)

    return bootstrap.job_queue.__wrapped__(), look


@pytest.mark.parametrize("priority", PRIORITIES)
@pytest.mark.parametrize("step", list(Step))
def test_a_message_contains_ids_and_is_sent_to_the_queue_of_its_priority_and_kind(
    queue_and_look: tuple[JobQueue, Look], step: Step, priority: Priority
) -> None:
    queue, look = queue_and_look
    job = a_started_job(step, priority=priority, traceparent=TRACEPARENT)
    queue.send(job)
    other_step = Step.START if step is Step.RENDER else Step.RENDER
    [other_priority] = {*PRIORITIES} - {priority}
    assert [look(priority, other_step), look(other_priority, step)] == [QueueContents([], 0)] * 2
    assert look(priority, step) == QueueContents([message_of(job)], 0)


@pytest.mark.parametrize("delay_seconds", [0.001, 5, 900])
def test_a_delayed_message_arrives_later(queue_and_look: tuple[JobQueue, Look], delay_seconds: float) -> None:
    queue, look = queue_and_look
    queue.send(a_started_job(Step.POLL), delay_seconds=delay_seconds)
    assert look(Priority.NORMAL, Step.POLL) == QueueContents([], 1)


def test_the_same_step_can_be_sent_twice(queue_and_look: tuple[JobQueue, Look]) -> None:
    queue, look = queue_and_look
    job = a_job(traceparent=TRACEPARENT)
    queue.send(job)
    queue.send(job)
    assert Counter(look(Priority.NORMAL, Step.START).now) == {message_of(job): 2}


def test_sending_an_ended_job_raises_value_error(queue_and_look: tuple[JobQueue, Look]) -> None:
    with pytest.raises(ValueError, match="no next step"):
        queue_and_look[0].send(a_job(next=None))


def test_sending_raises_unavailable_when_the_queue_is_unavailable(unreachable: JobQueue) -> None:
    with pytest.raises(Unavailable):
        unreachable.send(a_job())


def message_of(job: VideoJob) -> tuple[str, str]:
    """Return the job ID and the step ID of the job's message."""
    assert job.next is not None
    return job.id, job.next.id
