"""The light client and the senders of SQS: pauses, the time limit of a call, traces and endpoints."""

import json
import re
from datetime import UTC, datetime

import pytest

from tests.aws import s3_store
from tests.builders import a_job, a_started_job
from tests.faulty_aws import FaultyAws, Response, faulty_aws
from videojobs import bootstrap
from videojobs.adapters.aws import BACKOFF_SECONDS, aws_errors
from videojobs.adapters.aws_clients import LightSqsClient
from videojobs.adapters.s3 import bucket_url
from videojobs.adapters.sqs import SqsJobQueue, SqsNotifier, SqsWebhookQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, Step
from videojobs.domain.request import Priority
from videojobs.domain.time_limit import time_limit
from videojobs.domain.webhook import WebhookDelivery, name_endpoint
from videojobs.ports.changes import Change
from videojobs.settings import Settings

SENT = Response(body={"MessageId": "1", "Successful": [{"Id": "1"}]})
BUSY = Response(503, {"__type": "ServiceUnavailable"})
MESSAGE = {"QueueUrl": "https://queue", "MessageBody": "{}"}
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:2"


@pytest.fixture(autouse=True)
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the credentials of a function's role."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)


def client_of(aws: FaultyAws, pauses: list[float] | None = None) -> LightSqsClient:
    return LightSqsClient(aws.url, region="eu-west-1", sleep=([] if pauses is None else pauses).append)


def test_pauses_are_random_and_limited() -> None:
    pauses: list[float] = []
    with faulty_aws(BUSY) as aws:
        client = client_of(aws, pauses)
        for _ in range(10):
            with pytest.raises(aws_errors()):
                client.send_message(**MESSAGE)
    assert len({*pauses}) == len(pauses) == 20
    assert all(0 <= pause < BACKOFF_SECONDS for pause in pauses[::2])
    assert all(0 <= pause < 2 * BACKOFF_SECONDS for pause in pauses[1::2])


def test_no_attempt_starts_after_the_time_limit_of_the_call() -> None:
    moments = iter([2000, 1000])  # one second is kept for the response

    with faulty_aws(BUSY) as aws, time_limit(lambda: next(moments)), pytest.raises(Unavailable):
        client_of(aws).send_message(**MESSAGE)
    assert len(aws.requests) == 1


def test_no_request_is_sent_after_the_time_limit_of_the_call() -> None:
    with faulty_aws(SENT) as aws, time_limit(lambda: 1000), pytest.raises(Unavailable):
        client_of(aws).send_message(**MESSAGE)
    assert aws.requests == []


def test_an_attempt_waits_for_its_share_of_the_time_limit_only() -> None:
    with faulty_aws(Response(late=True)) as aws, time_limit(lambda: 1300), pytest.raises(aws_errors()) as raised:
        client_of(aws).send_message(**MESSAGE)
    [timeout] = re.findall(r"read timeout=([\d.]+)", str(raised.value))
    assert 0 < float(timeout) <= 0.3


def test_there_is_no_pause_that_would_exceed_the_time_limit() -> None:
    pauses: list[float] = []
    with faulty_aws(BUSY) as aws, time_limit(lambda: 1000 + 1e-3), pytest.raises(aws_errors()):  # 1 µs is left
        client_of(aws, pauses).send_message(**MESSAGE)
    assert pauses == []


@pytest.mark.parametrize(("delay_seconds", "sent"), [(0, 0), (0.001, 1), (5, 5), (7.2, 8), (899.5, 900), (900, 900)])
def test_a_delay_is_rounded_up_to_whole_seconds(delay_seconds: float, sent: int) -> None:
    job = a_started_job(Step.POLL, priority=Priority.HIGH)
    with faulty_aws(SENT) as aws:
        queue = SqsJobQueue(client_of(aws), urls={(Priority.HIGH, Step.POLL): "https://queue"})
        queue.send(job, delay_seconds=delay_seconds)
    message = json.loads(aws.requests[0].body)
    assert message["DelaySeconds"] == sent
    assert message["QueueUrl"] == "https://queue"
    assert message["MessageGroupId"] == job.user_id
    assert job.next is not None
    assert json.loads(message["MessageBody"]) == {"jobId": job.id, "stepId": job.next.id}


def test_sending_a_step_without_a_queue_raises_key_error() -> None:
    with faulty_aws(SENT) as aws:
        queue = SqsJobQueue(client_of(aws), urls={(Priority.NORMAL, Step.POLL): "https://queue"})
        for other in (a_started_job(Step.RENDER), a_started_job(Step.POLL, priority=Priority.HIGH)):
            with pytest.raises(KeyError):
                queue.send(other)
    assert aws.requests == []


def send_one_of_each(aws: FaultyAws) -> list[dict[str, object]]:
    """Send a step, an event and a delivery in both ways; return the messages without what their requests share."""
    client, job, endpoint = client_of(aws), a_job(), name_endpoint("https://platform.example/hooks")
    SqsJobQueue(client, urls={(Priority.NORMAL, Step.START): "https://queue"}).send(job)
    SqsNotifier(client, url="https://queue").publish(job.id, [Announcement("1", 1, datetime.now(UTC))])
    webhooks = SqsWebhookQueue(client, url="https://queue", endpoints=[endpoint])
    webhooks.enqueue(Change("event-1", job))
    webhooks.send_again(WebhookDelivery(endpoint, "event-1", job.id), delay_seconds=5)
    requests = [json.loads(request.body) for request in aws.requests]
    return [message for request in requests for message in request.get("Entries", [request])]


def test_every_message_carries_the_trace_header_of_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    with faulty_aws(SENT) as aws:
        messages = send_one_of_each(aws)
    assert len(messages) == 4
    attribute = {"AWSTraceHeader": {"DataType": "String", "StringValue": XRAY}}
    assert [message["MessageSystemAttributes"] for message in messages] == [attribute] * 4
    assert {request.headers["x-amzn-trace-id"] for request in aws.requests} == {XRAY}


def test_a_line_break_in_the_trace_header_adds_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1\r\nX-Injected: 1")
    with faulty_aws(SENT) as aws:
        client_of(aws).send_message(**MESSAGE)
    assert "x-injected" not in aws.requests[0].headers


def test_messages_outside_of_lambda_have_no_trace_header() -> None:
    with faulty_aws(SENT) as aws:
        messages = send_one_of_each(aws)
    assert not any("MessageSystemAttributes" in message for message in messages)
    assert not any("x-amzn-trace-id" in request.headers for request in aws.requests)


PARTITIONS = [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")]


@pytest.mark.parametrize(("region", "suffix"), PARTITIONS)
def test_endpoints_have_the_dns_suffix_of_the_partition(region: str, suffix: str) -> None:
    settings = Settings({"AWS_REGION": region, "AWS_URL_SUFFIX": suffix, "MONGODB_SECRET_ARN": "arn"})
    assert bootstrap._aws_url("sqs", settings) == f"https://sqs.{region}.{suffix}"
    assert bucket_url("videos", region=region, url_suffix=suffix) == f"https://videos.s3.{region}.{suffix}"


def test_a_presigned_url_of_the_china_regions_has_their_suffix(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"AWS_REGION": "cn-north-1", "AWS_URL_SUFFIX": "amazonaws.com.cn", "VIDEOS_BUCKET": "videos"}
    for name, value in {**variables, "MONGODB_SECRET_ARN": "arn", "AWS_ENDPOINT_URL": ""}.items():
        monkeypatch.setenv(name, value)
    url = bootstrap.video_store.__wrapped__().presigned_url("s3://videos/videos/1/1.mp4", datetime.now(UTC)) or ""
    assert url.startswith("https://videos.s3.cn-north-1.amazonaws.com.cn/videos/1/1.mp4?")


def test_the_bucket_of_an_endpoint_is_in_the_path() -> None:
    store = s3_store("videos", endpoint_url="http://127.0.0.1:4566")
    url = store.presigned_url("s3://videos/videos/1/1.mp4", datetime.now(UTC)) or ""
    assert url.startswith("http://127.0.0.1:4566/videos/videos/1/1.mp4?")
