"""The contract of `Broadcaster`: in memory, and over HTTP to something that answers as API Gateway does."""

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
from videojobs.adapters.aws import AwsClient
from videojobs.adapters.websocket import MAXIMUM_CONCURRENT_REQUESTS, ApiGatewayBroadcaster
from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Broadcaster, Delivery

HERE, THERE, NOWHERE = ConnectionId("L0SM9cOFvHcCIhw="), ConnectionId("b/c+d="), ConnectionId("gone")
HELLO: Message = {"type": "pong", "words": "Grüße \U0001f3c4"}


@dataclass
class Gateway:
    """API Gateway's management API: what open connections were told, and the requests that it saw."""

    told: dict[str, list[Message]] = field(default_factory=dict)
    refusing: dict[str, int] = field(default_factory=dict)
    """Connections whose requests are answered with a status of the test's own."""
    requests: list[dict[str, str]] = field(default_factory=list)
    together: Barrier | None = None
    """Where each message waits until so many are on their way."""
    url: str = ""

    def answer(self, method: str, path: str, body: bytes) -> int:
        connection_id = unquote(path.removeprefix("/local/@connections/"))
        if connection_id in self.refusing:
            return self.refusing[connection_id]
        if connection_id not in self.told:
            return 410
        if method == "DELETE":
            del self.told[connection_id]
            return 204
        if self.together:
            try:
                self.together.wait(timeout=30)
            except BrokenBarrierError:
                return 400
        self.told[connection_id].append(json.loads(body))
        return 200


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gateway.requests.append(
                {"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}
            )
            self.send_response(gateway.answer(self.command, self.path, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_DELETE(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    return Handler


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Listening, with two connections open."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    made = Gateway({HERE: [], THERE: []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True  # kept-alive connections would hold up the end
    made.url = f"http://127.0.0.1:{server.server_port}/local"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def over_http(url: str) -> ApiGatewayBroadcaster:
    """As `bootstrap` makes it."""
    return ApiGatewayBroadcaster(
        AwsClient("execute-api", url, region="us-east-1", connections=MAXIMUM_CONCURRENT_REQUESTS)
    )


@pytest.fixture(params=["in memory", "HTTP"])
def broadcaster_and_told(request: pytest.FixtureRequest) -> tuple[Broadcaster, dict[Any, list[Message]]]:
    """Two open connections, and what they are told."""
    if request.param == "HTTP":
        gateway: Gateway = request.getfixturevalue("gateway")
        return over_http(gateway.url), gateway.told
    broadcaster = RecordingBroadcaster()
    broadcaster.open(HERE)
    broadcaster.open(THERE)
    return broadcaster, broadcaster.told


@pytest.fixture(params=["in memory", "no such host", "403", "500"])
def useless(request: pytest.FixtureRequest, gateway: Gateway) -> Broadcaster:
    """A way out that leads nowhere."""
    if request.param == "in memory":
        broadcaster = RecordingBroadcaster()
        broadcaster.available = False
        return broadcaster
    if request.param == "no such host":
        return over_http(f"http://127.0.0.1:{free_port()}/local")
    gateway.refusing[HERE] = int(request.param)
    return over_http(gateway.url)


def test_each_connection_is_told_its_own(
    broadcaster_and_told: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, told = broadcaster_and_told
    assert broadcaster.send([(HERE, HELLO), (THERE, {"n": 1}), (HERE, {"n": 2})]) == [Delivery.TAKEN] * 3
    assert sorted(told[HERE], key=len) == sorted([HELLO, {"n": 2}], key=len)
    assert told[THERE] == [{"n": 1}]


def test_a_connection_that_is_gone_is_told_apart(
    broadcaster_and_told: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, told = broadcaster_and_told
    outcomes = broadcaster.send([(NOWHERE, HELLO), (HERE, HELLO), (NOWHERE, HELLO)])
    assert outcomes == [Delivery.GONE, Delivery.TAKEN, Delivery.GONE]
    assert told[HERE] == [HELLO]


def test_a_single_message_needs_no_company(
    broadcaster_and_told: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, told = broadcaster_and_told
    assert broadcaster.send([(HERE, HELLO)]) == [Delivery.TAKEN]
    assert broadcaster.send([(NOWHERE, HELLO)]) == [Delivery.GONE]
    assert broadcaster.send([]) == []
    assert told == {HERE: [HELLO], THERE: []}


def test_a_connection_that_was_closed_is_gone_and_closing_it_again_is_harmless(
    broadcaster_and_told: tuple[Broadcaster, dict[Any, list[Message]]],
) -> None:
    broadcaster, told = broadcaster_and_told
    broadcaster.close(HERE)
    broadcaster.close(HERE)
    assert broadcaster.send([(HERE, HELLO)]) == [Delivery.GONE]
    assert set(told) == {THERE}


def test_what_nobody_takes_is_said_and_not_raised(useless: Broadcaster) -> None:
    assert useless.send([(HERE, HELLO), (HERE, HELLO)]) == [Delivery.UNANSWERED] * 2


def test_a_connection_that_can_not_be_closed_may_be_open(useless: Broadcaster) -> None:
    with pytest.raises(Unavailable):
        useless.close(HERE)


def test_a_connection_that_takes_nothing_holds_up_no_other(gateway: Gateway) -> None:
    gateway.refusing[THERE] = 400
    assert over_http(gateway.url).send([(THERE, HELLO), (HERE, HELLO)]) == [Delivery.UNANSWERED, Delivery.TAKEN]
    assert gateway.told[HERE] == [HELLO]


def test_a_message_that_is_too_large_is_not_its_connections_fault(gateway: Gateway) -> None:
    gateway.refusing[THERE] = 413
    assert over_http(gateway.url).send([(THERE, HELLO), (HERE, HELLO)]) == [Delivery.TOO_LARGE, Delivery.TAKEN]


@pytest.mark.parametrize(("status", "outcome"), [(410, Delivery.GONE), (403, Delivery.UNANSWERED)])
def test_a_connection_that_did_not_take_one_message_is_spared_the_rest(
    gateway: Gateway, status: int, outcome: Delivery
) -> None:
    gateway.refusing[HERE] = status
    assert over_http(gateway.url).send([(HERE, {"n": number}) for number in range(100)]) == [outcome] * 100
    assert len(gateway.requests) <= MAXIMUM_CONCURRENT_REQUESTS


def test_several_messages_are_on_their_way_at_the_same_time(gateway: Gateway) -> None:
    gateway.together = Barrier(MAXIMUM_CONCURRENT_REQUESTS)
    assert (
        over_http(gateway.url).send([(HERE, HELLO)] * MAXIMUM_CONCURRENT_REQUESTS)
        == [Delivery.TAKEN] * MAXIMUM_CONCURRENT_REQUESTS
    )


def test_a_request_is_signed_for_the_api_and_names_its_connection(gateway: Gateway) -> None:
    over_http(gateway.url).send([(HERE, HELLO)])
    [request] = gateway.requests
    assert request["path"] == "/local/@connections/L0SM9cOFvHcCIhw%3D"
    assert "/us-east-1/execute-api/aws4_request" in request["authorization"]
