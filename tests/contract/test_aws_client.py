"""The contract of AWS clients: the same network faults have the same results with the light clients and with boto3."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore.exceptions import ClientError

from tests.builders import a_job
from tests.faulty_aws import FaultyAws, Request, Response, faulty_aws
from tests.servers import free_port
from videojobs.adapters.aws import MAXIMUM_ATTEMPTS, AwsClient, aws_errors, make_boto3_client
from videojobs.adapters.aws_clients import (
    ClientOptions,
    LightApiGatewayClient,
    LightSecretsManagerClient,
    LightSqsClient,
)
from videojobs.adapters.secrets import CachedSecret
from videojobs.adapters.sqs import SqsJobQueue, SqsNotifier
from videojobs.adapters.websocket import ApiGatewayBroadcaster
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, Step
from videojobs.domain.realtime import ConnectionId
from videojobs.domain.request import Priority
from videojobs.ports.changes import Delivery

REGION = "eu-west-1"
LIGHT: dict[str, Callable[..., AwsClient]] = {
    "sqs": LightSqsClient,
    "secretsmanager": LightSecretsManagerClient,
    "apigatewaymanagementapi": LightApiGatewayClient,
}
KINDS = ["light", "boto3"]
SENT = Response(body={"MessageId": "1", "SecretString": "value"})
MESSAGE = {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/jobs", "MessageBody": "{}"}


@dataclass
class Clients:
    """A kind of client. It records its pauses between attempts and does not wait."""

    kind: str
    pauses: list[float]

    def connect(self, service: str, url: str, *, read_seconds: float = 30) -> Any:
        """Return a client of the service at an endpoint."""
        if self.kind == "boto3":
            return make_boto3_client(service, region=REGION, endpoint_url=url, read_seconds=read_seconds)
        options: ClientOptions = {"region": REGION, "read_seconds": read_seconds, "sleep": self.pauses.append}
        return LIGHT[service](url, connections=8, **options)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Set the environment variables of a function, and return the list of boto3's pauses, which take no time."""
    pauses: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials of earlier tests
    for name in ("AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "session",
        "AWS_LAMBDA_FUNCTION_NAME": "videojobs-worker",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    }.items():
        monkeypatch.setenv(name, value)
    return pauses


@pytest.fixture(params=KINDS)
def clients(request: pytest.FixtureRequest, function: list[float]) -> Clients:
    """Return each kind of client."""
    return Clients(request.param, function)


def error(status: int, code: str, message: str = "No.") -> Response:
    return Response(status, {"__type": f"com.amazonaws.sqs#{code}", "message": message})


TEMPORARY = {
    "closed idle connection": Response(0),
    "reset in mid-response": Response(body={"MessageId": "1" * 1000}, truncated=True),
    "slow response": Response(late=True),
    "500": error(500, "InternalFailure"),
    "502 of a proxy": Response(502, raw=b"<html>Bad Gateway</html>"),
    "503": error(503, "ServiceUnavailable"),
    "504 of a proxy": Response(504, raw=b""),
    "throttling under 400": error(400, "ThrottlingException"),
    "throttling under 403": error(403, "RequestThrottled"),
    "throttling under 429": error(429, "TooManyRequestsException"),
    "throttling under 503": error(503, "SlowDown"),
}
FINAL = {
    "clock skew": error(403, "InvalidSignatureException", "Signature expired: 20261201T000000Z is now earlier"),
    "expired credentials": error(403, "ExpiredTokenException", "The security token included in the request is expired"),
    "access denied": error(403, "AccessDeniedException"),
    "no such queue": error(400, "QueueDoesNotExist"),
}


@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_fault_of_one_attempt_is_not_seen_by_the_caller(clients: Clients, fault: str) -> None:
    with faulty_aws(SENT, TEMPORARY[fault], SENT) as aws:
        sqs = clients.connect("sqs", aws.url, read_seconds=1 if TEMPORARY[fault].late else 30)
        for _ in range(2):  # the second call uses the connection of the first
            assert sqs.send_message(**MESSAGE)["MessageId"] == "1"
    assert len(aws.requests) == 3
    assert aws.requests[0].connection == aws.requests[1].connection
    assert len(clients.pauses) == 1


@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_fault_of_every_attempt_is_raised_after_the_third(clients: Clients, fault: str) -> None:
    with faulty_aws(TEMPORARY[fault]) as aws:
        sqs = clients.connect("sqs", aws.url, read_seconds=0.1 if TEMPORARY[fault].late else 30)
        with pytest.raises(aws_errors()):
            sqs.send_message(**MESSAGE)
    assert len(clients.pauses) == MAXIMUM_ATTEMPTS - 1
    if not TEMPORARY[fault].late:  # a late server can still be about to read the request
        assert len(aws.requests) == MAXIMUM_ATTEMPTS


@pytest.mark.parametrize("fault", FINAL)
def test_an_error_that_another_attempt_cannot_change_is_raised_at_once(clients: Clients, fault: str) -> None:
    with faulty_aws(FINAL[fault]) as aws:
        sqs = clients.connect("sqs", aws.url)
        with pytest.raises(ClientError) as raised:
            sqs.send_message(**MESSAGE)
    assert len(aws.requests) == 1
    assert raised.value.operation_name == "SendMessage"
    assert raised.value.response["Error"]["Code"] == FINAL[fault].body["__type"].partition("#")[2]
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == FINAL[fault].status


def test_a_refused_connection_is_raised_after_the_third_attempt(clients: Clients) -> None:
    sqs = clients.connect("sqs", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(aws_errors()):
        sqs.send_message(**MESSAGE)
    assert len(clients.pauses) == MAXIMUM_ATTEMPTS - 1


def test_more_idle_connections_than_attempts_can_be_closed(clients: Clients) -> None:
    with faulty_aws(SENT) as aws:
        broadcaster = ApiGatewayBroadcaster(clients.connect("apigatewaymanagementapi", aws.url))
        aws.hold_until(8)
        assert broadcaster.send([(ConnectionId(str(number)), {}) for number in range(8)]) == [Delivery.TAKEN] * 8
        aws.make_stale()
        assert broadcaster.send([(ConnectionId("1"), {})]) == [Delivery.TAKEN]


OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "send_message": (
        "sqs",
        "SendMessage",
        MESSAGE
        | {
            "MessageGroupId": "a-user",
            "DelaySeconds": 5,
            "MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": "00-1-2-01"}},
            "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
        },
    ),
    "send_message_batch": (
        "sqs",
        "SendMessageBatch",
        {"QueueUrl": MESSAGE["QueueUrl"], "Entries": [{"Id": "1", "MessageBody": "ünïcödé"}]},
    ),
    "get_secret_value": (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": "arn:aws:secretsmanager:eu-west-1:1:secret:a"},
    ),
    "post_to_connection": (
        "apigatewaymanagementapi",
        "PostToConnection",
        {"ConnectionId": "L0SM9cOFvHcCIhw=", "Data": b'{"type":"pong"}'},
    ),
    "delete_connection": ("apigatewaymanagementapi", "DeleteConnection", {"ConnectionId": "b/c+d="}),
}


def record(clients: Clients, operation: str, *responses: Response) -> FaultyAws:
    service, _, arguments = OPERATIONS[operation]
    with faulty_aws(*responses) as aws:
        getattr(clients.connect(service, aws.url), operation)(**arguments)
    return aws


def comparable(request: Request) -> dict[str, Any]:
    """Return the parts of a request that AWS reads, without those that contain the time."""
    names = ("x-amz-target", "x-amzn-trace-id", "x-amz-security-token")
    body = json.loads(request.body) if request.body else None
    scope = request.headers["authorization"].partition("Credential=")[2].partition(",")[0].split("/", 2)
    return {
        "line": (request.method, request.path),
        "headers": {name: request.headers.get(name) for name in names},
        "body": body,
        "scope": (scope[0], scope[2]),
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_both_clients_send_and_repeat_the_same_request(operation: str, function: list[float]) -> None:
    failed = error(503, "ServiceUnavailable")
    light, standard = (record(Clients(kind, function), operation, failed, SENT).requests for kind in KINDS)
    assert len(standard) == 2
    assert [comparable(request) for request in light] == [comparable(request) for request in standard]
    assert light[0].headers["x-amzn-trace-id"].startswith("Root=1-5759e988-bd862e3fe1be46a994272793;")


@pytest.mark.parametrize(("status", "code"), [(410, "GoneException"), (413, "PayloadTooLargeException")])
def test_errors_of_connections_have_their_status(clients: Clients, status: int, code: str) -> None:
    with faulty_aws(error(status, code)) as aws:
        gateway = clients.connect("apigatewaymanagementapi", aws.url)
        with pytest.raises(ClientError) as raised:
            gateway.post_to_connection(ConnectionId="1", Data=b"{}")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_binary_secret_is_returned_as_bytes(clients: Clients) -> None:
    with faulty_aws(Response(body={"SecretBinary": "/w=="})) as aws:
        secrets = clients.connect("secretsmanager", aws.url)
        assert secrets.get_secret_value(SecretId="arn")["SecretBinary"] == b"\xff"


NO_SUCCESS = {
    **{name: TEMPORARY[name] for name in ("closed idle connection", "reset in mid-response", "503")},
    "expired credentials": FINAL["expired credentials"],
}
"""Examples of faults after which an adapter must not report success."""
NOT_OF_AWS = {"200 of a proxy": Response(raw=b"<html>Sign in</html>"), "empty": Response(body={})}


@contextmanager
def unusable(clients: Clients, fault: str) -> Iterator[Callable[[str], Any]]:
    """Yield a function that connects to a service with the fault."""
    with faulty_aws((NO_SUCCESS | NOT_OF_AWS)[fault]) as aws:
        yield lambda service: clients.connect(service, aws.url)


@pytest.mark.parametrize("fault", NO_SUCCESS | NOT_OF_AWS)
def test_a_message_is_never_lost_silently(clients: Clients, fault: str) -> None:
    with unusable(clients, fault) as connect:
        job, sqs = a_job(), connect("sqs")
        queue = SqsJobQueue(sqs, urls={(Priority.NORMAL, Step.START): MESSAGE["QueueUrl"]})
        with pytest.raises(Unavailable):
            queue.send(job)
        notifier = SqsNotifier(sqs, url=MESSAGE["QueueUrl"])
        with pytest.raises(Unavailable):
            notifier.publish(job.id, [Announcement("1", job.version, job.updated_at)])


@pytest.mark.parametrize("fault", NO_SUCCESS | NOT_OF_AWS)
def test_a_secret_that_cannot_be_read_is_unavailable(clients: Clients, fault: str) -> None:
    with unusable(clients, fault) as connect, pytest.raises(Unavailable):
        CachedSecret("arn", connect("secretsmanager")).get()


@pytest.mark.parametrize("fault", NO_SUCCESS)
def test_a_connection_that_cannot_be_reached_is_reported(clients: Clients, fault: str) -> None:
    with unusable(clients, fault) as connect:
        broadcaster = ApiGatewayBroadcaster(connect("apigatewaymanagementapi"))
        assert broadcaster.send([(ConnectionId("1"), {})]) == [Delivery.UNANSWERED]
        with pytest.raises(Unavailable):
            broadcaster.close(ConnectionId("1"))


def test_a_batch_of_which_one_message_failed_is_not_sent(clients: Clients) -> None:
    partly = {"Successful": [{"Id": "1", "MessageId": "1"}], "Failed": [{"Id": "2", "Code": "x", "SenderFault": False}]}
    with faulty_aws(Response(body=partly)) as aws:
        job = a_job()
        notifier = SqsNotifier(clients.connect("sqs", aws.url), url=MESSAGE["QueueUrl"])
        announcements = [Announcement(name, job.version, job.updated_at) for name in ("1", "2")]
        with pytest.raises(Unavailable):
            notifier.publish(job.id, announcements)
