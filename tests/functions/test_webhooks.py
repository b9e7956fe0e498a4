"""The webhooks function as Lambda calls it, with real receivers, and a queue and a secret of an emulator."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from functions.webhooks import app
from tests.aws import light_secrets_manager, light_sqs
from tests.builders import A_USER, a_job
from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.webhooks import InMemoryWebhookRepository, RecordingWebhookQueue
from tests.receiver import Answer, Receiver, babbling, receiving, silent
from tests.servers import free_port
from videojobs import bootstrap
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.secrets import MAXIMUM_AGE_SECONDS, CachedSecret
from videojobs.adapters.sqs import SqsWebhookQueue
from videojobs.adapters.webhook import HttpWebhookSender
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.request import AspectRatio, Style
from videojobs.domain.storage import StoredObject
from videojobs.domain.webhook import RETRY_PAUSES, WebhookDelivery, name_endpoint
from videojobs.observability import logger
from videojobs.ports.changes import Change

OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
RESPONSE_TIMEOUT = 0.3


@dataclass
class SystemUnderTest:
    """The adapters around the function, except the receivers.

    The clock starts now because receivers refuse old timestamps.
    """

    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    webhooks: InMemoryWebhookRepository = field(default_factory=InMemoryWebhookRepository)
    queue: RecordingWebhookQueue = field(default_factory=RecordingWebhookQueue)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(SystemClock().now()))
    urls: tuple[str, ...] = ()
    secret: str = OLD

    @contextmanager
    def receiving(self, *answers: Answer) -> Iterator[Receiver]:
        """Start a receiver whose URL the operator has configured."""
        with receiving(*answers) as receiver:
            self.urls = (*self.urls, receiver.url)
            yield receiver

    def change(self, event_id: str = "event-1", **changes: Any) -> VideoJob:
        """Store a changed job, deliver its webhooks and their retries after their delays, and return the job."""
        job = self.jobs.put(a_job(**changes))
        queue = RecordingWebhookQueue(endpoints=[name_endpoint(url) for url in self.urls])
        queue.enqueue(Change(event_id, job))
        messages = queue.drain()
        while messages:
            for delivery, delay_seconds in messages:
                self.clock.advance(delay_seconds)
                assert call(message(delivery)) == {"batchItemFailures": []}
            messages = self.queue.drain()
        return job


def call(*bodies: str) -> Any:
    """Call the function with messages that have these bodies."""
    records = [{"messageId": f"m-{number}", "body": body} for number, body in enumerate(bodies)]
    context = SimpleNamespace(
        aws_request_id="lambda-1", function_name="f", memory_limit_in_mb=256, invoked_function_arn="arn:aws:lambda:f"
    )
    return app.handler({"Records": records}, context)  # type: ignore[arg-type]


def message(delivery: WebhookDelivery) -> str:
    """Return the body of the message for a delivery."""
    due = {} if delivery.due_at is None else {"dueAt": delivery.due_at.isoformat()}
    fields = {"endpoint": delivery.endpoint, "id": delivery.event_id, "jobId": delivery.job_id}
    return json.dumps({**fields, "attempt": delivery.attempt, **due})


@pytest.fixture
def sut(monkeypatch: pytest.MonkeyPatch) -> SystemUnderTest:
    """Return a system without jobs and receivers."""
    system = SystemUnderTest()
    sender = HttpWebhookSender(lambda: system.secret, local=True, answer_seconds=RESPONSE_TIMEOUT)
    monkeypatch.setattr(bootstrap, "webhook_urls", lambda: {name_endpoint(url): url for url in system.urls})
    monkeypatch.setattr(bootstrap, "webhook_repository", lambda: system.webhooks)
    monkeypatch.setattr(bootstrap, "webhook_sender", lambda: sender)
    monkeypatch.setattr(bootstrap, "webhook_queue", lambda: system.queue)
    monkeypatch.setattr(bootstrap, "job_repository", lambda: system.jobs)
    monkeypatch.setattr(bootstrap, "clock", lambda: system.clock)
    return system


def test_the_platform_receives_a_change_and_can_verify_it(sut: SystemUnderTest) -> None:
    with sut.receiving() as receiver:
        job = sut.change(version=2, progress=0.5, status=JobStatus.PROCESSING)
    [received] = receiver.got
    assert received.headers["webhook-id"] == "event-1"
    assert Webhook(OLD).verify(received.body, received.headers) == {
        "type": "job.updated",
        "timestamp": "2096-01-08T10:00:00.000Z",
        "data": {
            "jobId": job.id,
            "userId": A_USER,
            "version": 2,
            "status": "processing",
            "progress": 0.5,
            "errorMessage": None,
            "prompt": "A cat on a surfboard",
            "style": Style.FUN,
            "duration": 8,
            "aspectRatio": AspectRatio.LANDSCAPE,
            "createdAt": "2096-01-08T10:00:00.000Z",
            "updatedAt": "2096-01-08T10:00:00.000Z",
            "priority": "normal",
            "batchId": None,
            "provider": None,
            "promptShortened": False,
            "output": None,
            "estimatedCost": None,
            "actualCost": None,
            "seed": None,
            "negativePrompt": None,
            "sound": False,
            "resolution": "720p",
            "ignored": [],
            "apiPath": f"/api/videos/{job.id}",
        },
    }


def test_a_webhook_contains_no_urls_of_the_video(sut: SystemUnderTest) -> None:
    poster = StoredObject("videos", "videos/1/1.jpg", 7)
    with sut.receiving() as receiver:
        sut.change(status=JobStatus.COMPLETED, video_url="s3://videos/videos/1/1.mp4", poster=poster)
    assert "s3://" not in receiver.got[0].body
    assert {"videoUrl", "posterUrl"}.isdisjoint(json.loads(receiver.got[0].body)["data"])


def test_a_lone_surrogate_in_a_document_can_be_sent(sut: SystemUnderTest) -> None:
    with sut.receiving() as receiver:
        sut.change(prompt="\ud800")
    assert json.loads(receiver.got[0].body)["data"]["prompt"] == "\ud800"


@pytest.mark.parametrize("answers", [(500, 200), (302, 200), (silent, 200), (babbling, 503, 200)])
def test_a_failed_webhook_is_retried_with_the_same_event_id(sut: SystemUnderTest, answers: tuple[Answer, ...]) -> None:
    with sut.receiving(*answers) as receiver:
        sut.change()
    assert [received.headers["webhook-id"] for received in receiver.got] == ["event-1"] * len(answers)
    assert {received.path for received in receiver.got} == {"/hooks"}
    assert sut.webhooks.failures == {}


def test_each_attempt_is_signed_with_the_time_at_which_it_is_made(sut: SystemUnderTest) -> None:
    with sut.receiving(500, 500) as receiver:
        sut.change()
    first, _, third = receiver.got
    assert Webhook(OLD).verify(first.body, first.headers)
    passed = int(third.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
    assert passed >= sum(pause.total_seconds() for pause in RETRY_PAUSES[:2])


def test_a_webhook_that_fails_for_hours_is_given_up(sut: SystemUnderTest) -> None:
    with sut.receiving(*[500] * 20) as receiver:
        sut.change()
    assert len(receiver.got) == len(RETRY_PAUSES) + 1
    assert sut.webhooks.failures == {("event-1", name_endpoint(receiver.url)): "HTTP 500"}


def test_a_url_receives_nothing_more_after_a_410_response_and_other_urls_do(sut: SystemUnderTest) -> None:
    with sut.receiving(410) as gone, sut.receiving() as other:
        sut.change("event-1")
        sut.change("event-2")
    assert [received.headers["webhook-id"] for received in gone.got] == ["event-1"]
    assert [received.headers["webhook-id"] for received in other.got] == ["event-1", "event-2"]


def test_an_unavailable_receiver_does_not_affect_the_others(sut: SystemUnderTest) -> None:
    away = f"http://127.0.0.1:{free_port()}/"
    sut.urls = (away,)
    with sut.receiving() as receiver:
        sut.change()
    assert len(receiver.got) == 1
    assert sut.webhooks.failures == {("event-1", name_endpoint(away)): "ConnectionRefusedError"}


def test_an_invalid_message_fails_alone(sut: SystemUnderTest) -> None:
    with sut.receiving() as receiver:
        job = sut.jobs.put(a_job())
        good = WebhookDelivery(name_endpoint(receiver.url), "event-1", job.id)
        fields = json.loads(message(good))
        broken = [{**fields, name: value} for name in fields for value in (None, "", [], {"$ne": 1})]
        broken += [{name: fields[name] for name in fields if name != missing} for missing in fields]
        broken += [{**fields, "attempt": value} for value in (0, -1, True, 1.5, "1")]
        broken += [{**fields, "dueAt": value} for value in (None, "", "soon", 7, "2026-01-08T10:00:00")]
        response = call(*map(json.dumps, broken), message(good))
    assert [failure["itemIdentifier"] for failure in response["batchItemFailures"]] == [
        f"m-{number}" for number in range(len(broken))
    ]
    assert len(receiver.got) == 1


def test_secret_url_and_prompt_are_not_logged(sut: SystemUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    with sut.receiving(500) as receiver:
        sut.change(prompt="a secret boat")
    assert "webhook_delivered" in log.getvalue()
    for secret in (OLD.removeprefix("whsec_"), receiver.url, "a secret boat"):
        assert secret not in log.getvalue()


# ---------------------------------------------------------------- with an emulated queue and secret


@dataclass
class Aws:
    """A queue, a secret, and the clock that determines the age of the cached secret."""

    sqs: Any
    queue_url: str
    secrets: Any
    secret_arn: str
    seconds: float = 1000.0

    def rotate(self, value: str) -> None:
        """Store a new value of the secret, and let the cached value expire."""
        self.secrets.put_secret_value(SecretId=self.secret_arn, SecretString=value)
        self.seconds += MAXIMUM_AGE_SECONDS + 1

    def deliver(self) -> None:
        """Deliver all messages that can be received now, as Lambda's poller does."""
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            assert call(*(sqs_message["Body"] for sqs_message in messages)) == {"batchItemFailures": []}
            for sqs_message in messages:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=sqs_message["ReceiptHandle"])

    def count(self, kind: str) -> int:
        """Return the number of messages in the queue; `kind` is `""` or `Delayed`."""
        name = f"ApproximateNumberOfMessages{kind}"
        response = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=[name])
        return int(response["Attributes"][name])


@pytest.fixture
def on_aws(sut: SystemUnderTest, aws: str, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Use a queue and a secret of the emulator instead of the in-memory ones."""
    sqs, secrets = (
        boto3.client(service, region_name="us-east-1", endpoint_url=aws)  # type: ignore[call-overload]
        for service in ("sqs", "secretsmanager")
    )
    queue_url = sqs.create_queue(QueueName=f"webhooks-{uuid4().hex}")["QueueUrl"]
    services = Aws(sqs, queue_url, secrets, secrets.create_secret(Name=uuid4().hex, SecretString=OLD)["ARN"])
    manager = light_secrets_manager(aws)
    secret = CachedSecret(services.secret_arn, manager, monotonic=lambda: services.seconds)
    client = light_sqs(aws)
    sender = HttpWebhookSender(secret.get, local=True, answer_seconds=RESPONSE_TIMEOUT)
    monkeypatch.setattr(bootstrap, "webhook_sender", lambda: sender)
    monkeypatch.setattr(
        bootstrap,
        "webhook_queue",
        lambda: SqsWebhookQueue(client, url=queue_url, endpoints=bootstrap.webhook_urls().keys()),
    )
    return services


def test_a_change_reaches_every_receiver_through_the_queue(sut: SystemUnderTest, on_aws: Aws) -> None:
    job = sut.jobs.put(a_job())
    with sut.receiving() as first, sut.receiving(500) as second:
        bootstrap.webhook_queue().enqueue(Change("event-1", job))
        on_aws.deliver()
    assert [len(receiver.got) for receiver in (first, second)] == [1, 1]
    assert (on_aws.count(""), on_aws.count("Delayed")) == (0, 1)


def test_deliveries_continue_while_the_secret_is_rotated(sut: SystemUnderTest, on_aws: Aws) -> None:
    job = sut.jobs.put(a_job())
    verifying_secrets = []
    with sut.receiving() as receiver:
        for value in (OLD, f"{NEW} {OLD}", NEW):
            on_aws.rotate(value)
            bootstrap.webhook_queue().enqueue(Change("event-1", job))
            on_aws.deliver()
            verifying_secrets.append([secret for secret in (OLD, NEW) if verifies(secret, receiver)])
    assert verifying_secrets == [[OLD], [OLD, NEW], [NEW]]


def verifies(secret: str, receiver: Receiver) -> bool:
    """Return whether the last webhook was signed with the secret."""
    last = receiver.got[-1]
    try:
        Webhook(secret).verify(last.body, last.headers)
    except WebhookVerificationError:
        return False
    return True


def test_deliveries_wait_while_the_secret_is_malformed(sut: SystemUnderTest, on_aws: Aws) -> None:
    job = sut.jobs.put(a_job())
    on_aws.rotate("whsec_oops")
    with sut.receiving() as receiver:
        bootstrap.webhook_queue().enqueue(Change("event-1", job))
        on_aws.deliver()
    assert receiver.got == []
    assert on_aws.count("Delayed") == 1


@pytest.mark.parametrize("withdrawn", ["deleted_at", "expires_at"])
def test_retry_sends_no_job_that_was_deleted_or_has_expired(sut: SystemUnderTest, withdrawn: str) -> None:
    job = sut.jobs.put(a_job(prompt="SECRET", status=JobStatus.FAILED, next=None))
    with sut.receiving(500, 200) as receiver:
        first = WebhookDelivery(name_endpoint(receiver.url), "event-1", job.id)
        assert call(message(first)) == {"batchItemFailures": []}
        [(retry, delay_seconds)] = sut.queue.drain()
        sut.clock.advance(delay_seconds)
        sut.jobs.put(replace(job, **{withdrawn: sut.clock.now()}))
        assert call(message(retry)) == {"batchItemFailures": []}
    assert len(receiver.got) == 1
    assert sut.queue.drain() == []
