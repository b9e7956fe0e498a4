"""The small AWS client against a server that answers as it is told."""

import json
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


@dataclass
class Service:
    """An AWS service: gives the scripted answers in turn, the last one for ever, and keeps what it was asked."""

    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"{}")])
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def client(self) -> AwsJsonClient:
        """Speaks with it as with SQS."""
        return AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="eu-west-1", endpoint_url=self.url)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Listening on a port of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    scripted = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            scripted.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, answer = scripted.answers.pop(0) if len(scripted.answers) > 1 else scripted.answers[0]
            if not status:
                return  # closes the connection without a word
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("x-amzn-errortype", "Oops")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        scripted.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield scripted
        server.shutdown()
        thread.join()


def test_an_operation_is_called_by_its_name_and_signed(service: Service) -> None:
    service.answers = [(200, b'{"MessageId": "1"}')]
    assert service.client().call("SendMessage", {"MessageBody": "ünïcödé \0"}) == {"MessageId": "1"}
    [(headers, body)] = service.asked
    assert json.loads(body) == {"MessageBody": "ünïcödé \0"}
    assert headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-security-token"] == "session"
    assert "/eu-west-1/sqs/aws4_request" in headers["authorization"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_service_that_stumbles_is_asked_once_more(service: Service, status: int) -> None:
    service.answers = [(status, b"busy"), (200, b"{}")]
    assert service.client().call("SendMessage", {}) == {}
    assert len(service.asked) == 2


FAILURES = {
    "always busy": ((503, b"busy"), 2),
    "a bad request": ((400, b'{"__type": "AccessDenied"}'), 1),
    "forbidden": ((403, b""), 1),
    "no word": ((0, b""), 1),
    "no JSON": ((200, b"<html>"), 1),
}


@pytest.mark.parametrize(("answer", "times"), FAILURES.values(), ids=FAILURES.keys())
def test_anything_but_a_success_is_told_and_asked_no_more_than_that(
    service: Service, answer: tuple[int, bytes], times: int
) -> None:
    service.answers = [answer]
    with pytest.raises(Unavailable) as told:
        service.client().call("SendMessage", {})
    assert len(service.asked) == times
    assert told.value.__cause__ is not None
    assert "secret" not in str(told.value.__cause__)


def test_where_nobody_listens_it_is_told(service: Service) -> None:
    service.url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable):
        service.client().call("SendMessage", {})


def test_without_an_endpoint_it_is_the_regions_own() -> None:
    client = AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="eu-west-1")
    assert client._url == "https://sqs.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(("delay_seconds", "sent"), [(0, 0), (0.001, 1), (5, 5), (7.2, 8), (899.5, 900), (900, 900)])
def test_a_delay_is_rounded_up_to_whole_seconds(service: Service, delay_seconds: float, sent: int) -> None:
    job = a_started_job(Step.POLL, priority=Priority.HIGH)
    queue = SqsJobQueue(service.client(), urls={(Priority.HIGH, Step.POLL): "https://queue"})
    queue.send(job, delay_seconds=delay_seconds)
    message = json.loads(service.asked[0][1])
    assert message["DelaySeconds"] == sent
    assert message["QueueUrl"] == "https://queue"
    assert message["MessageGroupId"] == job.user_id
    assert job.next is not None
    assert json.loads(message["MessageBody"]) == {"jobId": job.id, "stepId": job.next.id}


def test_a_kind_of_step_that_a_function_has_no_queue_for_is_a_bug(service: Service) -> None:
    queue = SqsJobQueue(service.client(), urls={(Priority.NORMAL, Step.POLL): "https://queue"})
    for other in (a_started_job(Step.RENDER), a_started_job(Step.POLL, priority=Priority.HIGH)):
        with pytest.raises(KeyError):
            queue.send(other)
    assert service.asked == []
