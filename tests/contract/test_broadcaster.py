"""The contract of `Broadcaster`: in memory, and over HTTP to a fake of API Gateway's management API."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any
from urllib.parse import unquote

import pytest

from tests.fakes.broadcaster import RecordingBroadcaster
from tests.servers import free_port
from videojobs.adapters.aws_clients import LightApiGatewayClient
from videojobs.adapters.websocket import MAXIMUM_CONCURRENT_REQUESTS, ApiGatewayBroadcaster
from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Broadcaster, Delivery

HERE, THERE, NOWHERE = ConnectionId("L0SM9cOFvHcCIhw="), ConnectionId("b/c+d="), ConnectionId("gone")
HELLO: Message = {"type": "pong", "words": "Grüße \U0001f3c4"}


@dataclass
class Gateway:
    """API Gateway's management API: the messages that each open connection received, and all requests."""

    sent: dict[str, list[Message]] = field(default_factory=dict)
    refusing: dict[str, int] = field(default_factory=dict)
    """Connections whose requests are answered with the given status."""
    requests: list[dict[str, str]] = field(default_factory=list)
    barrier: Barrier | None = None
    """Each message waits here until as many requests as the barrier needs are in progress."""
    url: str = ""

    def respond(self, method: str, path: str, body: bytes) -> int:
        connection_id = unquote(path.removeprefix("/local/@connections/"))
        if connection_id in self.refusing:
            return self.refusing[connection_id]
        if connection_id not in self.sent:
            return 410
        if method == "DELETE":
            del self.sent[connection_id]
            return 204
        if self.barrier:
            try:
                self.barrier.wait(timeout=30)
            except BrokenBarrierError:
                return 400
        self.sent[connection_id].append(json.loads(body))
        return 200


def handler_of(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gateway.requests.append(
                {"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}
            )
            self.send_response(gateway.respond(self.command, self.path, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_DELETE(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Yield a running gateway with two open connections."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    gateway = Gateway({HERE: [], THERE: []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(gateway))
    server.daemon_threads = True  # kept-alive connections would block the shutdown
    gateway.url = f"http://127.0.0.1:{server.server_port}/local"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield gateway
    server.shutdown()
    thread.join()
    server.server_close()


def over_http(url: str) -> ApiGatewayBroadcaster:
    """Return the adapter with the client that `bootstrap` creates."""
    return ApiGatewayBroadcaster(
        LightApiGatewayClient(url, region="us-east-1", connections=MAXIMUM_CONCURRENT_REQUESTS)
    )


@pytest.fixture(params=["in memory", "HTTP"])
def broadcaster_and_sent(request: pytest.FixtureRequest) -> tuple[Broadcaster, dict[Any, list[Message]]]:
    """Return a broadcaster with two open connections, and the messages that they receive."""
    if request.param == "HTTP":
        gateway: Gateway = request.getfixturevalue("gateway")
        return over_http(gateway.url), gateway.sent
    broadcaster = RecordingBroadcaster()
    broadcaster.open(HERE)
    broadcaster.open(THERE)
    return broadcaster, broadcaster.sent


@pytest.fixture(params=["in memory", "no such host", "403", "500"])
def unreachable(request: pytest.FixtureRequest, gateway: Gateway) -> Broadcaster:
    """Return a broadcaster that cannot reach any connection."""
    if request.param == "in memory":
        broadcaster = RecordingBroadcaster()
        broadcaster.available = False
        return broadcaster
    if request.param == "no such host":
        return over_http(f"http://127.0.0.1:{free_port()}/local")
    gateway.refusing[HERE] = int(request.param)
    return over_http(gateway.url)


def test_each_connection_receives_its_own_messages(
    broadcaster_and_sent: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, sent = broadcaster_and_sent
    assert broadcaster.send([(HERE, HELLO), (THERE, {"n": 1}), (HERE, {"n": 2})]) == [Delivery.TAKEN] * 3
    assert sorted(sent[HERE], key=len) == sorted([HELLO, {"n": 2}], key=len)
    assert sent[THERE] == [{"n": 1}]


def test_a_connection_that_no_longer_exists_is_reported(
    broadcaster_and_sent: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, sent = broadcaster_and_sent
    outcomes = broadcaster.send([(NOWHERE, HELLO), (HERE, HELLO), (NOWHERE, HELLO)])
    assert outcomes == [Delivery.GONE, Delivery.TAKEN, Delivery.GONE]
    assert sent[HERE] == [HELLO]


def test_one_message_or_none_can_be_sent(
    broadcaster_and_sent: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, sent = broadcaster_and_sent
    assert broadcaster.send([(HERE, HELLO)]) == [Delivery.TAKEN]
    assert broadcaster.send([(NOWHERE, HELLO)]) == [Delivery.GONE]
    assert broadcaster.send([]) == []
    assert sent == {HERE: [HELLO], THERE: []}


def test_a_connection_can_be_closed_twice_and_no_longer_exists(
    broadcaster_and_sent: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, sent = broadcaster_and_sent
    broadcaster.close(HERE)
    broadcaster.close(HERE)
    assert broadcaster.send([(HERE, HELLO)]) == [Delivery.GONE]
    assert set(sent) == {THERE}


def test_an_unreachable_connection_is_reported_and_not_raised(unreachable: Broadcaster) -> None:
    assert unreachable.send([(HERE, HELLO), (HERE, HELLO)]) == [Delivery.UNANSWERED] * 2


def test_closing_an_unreachable_connection_raises_unavailable(unreachable: Broadcaster) -> None:
    with pytest.raises(Unavailable):
        unreachable.close(HERE)


def test_a_stuck_connection_does_not_block_the_others(gateway: Gateway) -> None:
    gateway.refusing[THERE] = 400
    assert over_http(gateway.url).send([(THERE, HELLO), (HERE, HELLO)]) == [Delivery.UNANSWERED, Delivery.TAKEN]
    assert gateway.sent[HERE] == [HELLO]


def test_a_message_that_is_too_large_is_reported_as_such(gateway: Gateway) -> None:
    gateway.refusing[THERE] = 413
    assert over_http(gateway.url).send([(THERE, HELLO), (HERE, HELLO)]) == [Delivery.TOO_LARGE, Delivery.TAKEN]


@pytest.mark.parametrize(("status", "outcome"), [(410, Delivery.GONE), (403, Delivery.UNANSWERED)])
def test_a_connection_that_refused_a_message_is_sent_no_more_messages(
    gateway: Gateway, status: int, outcome: Delivery
) -> None:
    gateway.refusing[HERE] = status
    assert over_http(gateway.url).send([(HERE, {"n": number}) for number in range(100)]) == [outcome] * 100
    assert len(gateway.requests) <= MAXIMUM_CONCURRENT_REQUESTS


def test_several_messages_are_sent_concurrently(gateway: Gateway) -> None:
    gateway.barrier = Barrier(MAXIMUM_CONCURRENT_REQUESTS)
    assert (
        over_http(gateway.url).send([(HERE, HELLO)] * MAXIMUM_CONCURRENT_REQUESTS)
        == [Delivery.TAKEN] * MAXIMUM_CONCURRENT_REQUESTS
    )


def test_a_request_is_signed_for_the_api_and_names_its_connection(gateway: Gateway) -> None:
    over_http(gateway.url).send([(HERE, HELLO)])
    [request] = gateway.requests
    assert request["path"] == "/local/@connections/L0SM9cOFvHcCIhw%3D"
    assert "/us-east-1/execute-api/aws4_request" in request["authorization"]
