"""The AWS client, against a server with scripted responses."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.builders import a_started_job
from tests.servers import free_port
from videojobs.adapters.aws import AwsJsonClient
from videojobs.adapters.sqs import SqsJobQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Step
from videojobs.domain.request import Priority
from videojobs.domain.time_limit import time_limit


@dataclass
class Service:
    """An AWS service that returns the scripted responses in turn, repeats the last, and records the requests."""

    responses: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"{}")])
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def client(self) -> AwsJsonClient:
        """Return a client that calls the service as SQS."""
        return AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="eu-west-1", endpoint_url=self.url)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Yield a service that listens on its own port."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    scripted = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            scripted.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, response = scripted.responses.pop(0) if len(scripted.responses) > 1 else scripted.responses[0]
            if not status:
                return  # closes the connection without a response
            self.send_response(status)
            self.send_header("Content-Length", str(len(response)))
            self.send_header("x-amzn-errortype", "Oops")
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        scripted.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield scripted
        server.shutdown()
        thread.join()


def test_a_call_names_its_operation_and_is_signed(service: Service) -> None:
    service.responses = [(200, b'{"MessageId": "1"}')]
    assert service.client().call("SendMessage", {"MessageBody": "ünïcödé \0"}) == {"MessageId": "1"}
    [(headers, body)] = service.requests
    assert json.loads(body) == {"MessageBody": "ünïcödé \0"}
    assert headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-security-token"] == "session"
    assert "/eu-west-1/sqs/aws4_request" in headers["authorization"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_retried_once(service: Service, status: int) -> None:
    service.responses = [(status, b"busy"), (200, b"{}")]
    assert service.client().call("SendMessage", {}) == {}
    assert len(service.requests) == 2


FAILURES = {
    "always busy": ((503, b"busy"), 2),
    "a bad request": ((400, b'{"__type": "AccessDenied"}'), 1),
    "forbidden": ((403, b""), 1),
    "no response": ((0, b""), 1),
    "not JSON": ((200, b"<html>"), 1),
}


@pytest.mark.parametrize(("response", "times"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_call_raises_unavailable_and_is_retried_only_after_a_server_error(
    service: Service, response: tuple[int, bytes], times: int
) -> None:
    service.responses = [response]
    with pytest.raises(Unavailable) as raised:
        service.client().call("SendMessage", {})
    assert len(service.requests) == times
    assert raised.value.__cause__ is not None
    assert "secret" not in str(raised.value.__cause__)


def test_a_refused_connection_raises_unavailable(service: Service) -> None:
    service.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable):
        service.client().call("SendMessage", {})


def test_the_default_endpoint_is_the_one_of_the_region() -> None:
    client = AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="eu-west-1")
    assert client._url == "https://sqs.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(("delay_seconds", "sent"), [(0, 0), (0.001, 1), (5, 5), (7.2, 8), (899.5, 900), (900, 900)])
def test_a_delay_is_rounded_up_to_whole_seconds(service: Service, delay_seconds: float, sent: int) -> None:
    job = a_started_job(Step.POLL, priority=Priority.HIGH)
    queue = SqsJobQueue(service.client(), urls={(Priority.HIGH, Step.POLL): "https://queue"})
    queue.send(job, delay_seconds=delay_seconds)
    message = json.loads(service.requests[0][1])
    assert message["DelaySeconds"] == sent
    assert message["QueueUrl"] == "https://queue"
    assert message["MessageGroupId"] == job.user_id
    assert job.next is not None
    assert json.loads(message["MessageBody"]) == {"jobId": job.id, "stepId": job.next.id}


def test_sending_a_step_without_a_queue_raises_key_error(service: Service) -> None:
    queue = SqsJobQueue(service.client(), urls={(Priority.NORMAL, Step.POLL): "https://queue"})
    for other in (a_started_job(Step.RENDER), a_started_job(Step.POLL, priority=Priority.HIGH)):
        with pytest.raises(KeyError):
            queue.send(other)
    assert service.requests == []


@pytest.mark.timeout(25, func_only=True)
def test_a_request_without_a_response_ends_within_the_time_limit_of_the_call(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ends_at = time.monotonic() + 1.5

        def remaining_ms() -> int:
            return int((ends_at - time.monotonic()) * 1000)

        with time_limit(remaining_ms), pytest.raises(Unavailable):
            service.client().call("SendMessage", {})
        assert remaining_ms() > 0


def test_no_request_is_sent_after_the_time_limit_of_the_call(service: Service) -> None:
    with time_limit(lambda: 1000), pytest.raises(Unavailable):
        service.client().call("SendMessage", {})
    assert service.requests == []
