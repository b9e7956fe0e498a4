"""Responses of REST APIs: how statuses and bodies are mapped to provider errors."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tests.providers.counterparts.server import Exchange, LocalServer, Reply
from tests.servers import free_port
from videojobs.adapters.retry_after import MAXIMUM_RETRY_AFTER_SECONDS, read_retry_after
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs_providers.rest.client import RestClient
from videojobs_providers.rest.setup import Timeouts


class ReplyingServer(LocalServer):
    """A server that sends the replies in turn, repeats the last, and records the request headers."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.received_headers = list(replies), list[Mapping[str, str]]()
        super().__init__()

    def answer(self, exchange: Exchange) -> None:
        """Send the next reply; the last reply is repeated."""
        self.received_headers.append(exchange.headers)
        exchange.send(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


class DrippingServer(LocalServer):
    """A server that sends the response to a create in single bytes, faster than any read times out."""

    def answer(self, exchange: Exchange) -> None:
        """Send a byte every 20 ms, for ten seconds or until the client hangs up."""
        content = b'{"id": "' + b"1" * 500 + b'"}'
        exchange.connection.sendall(f"HTTP/1.1 200 -\r\nContent-Length: {len(content)}\r\n\r\n".encode())
        exchange.connection.settimeout(0.02)
        for byte in content:
            exchange.connection.sendall(bytes([byte]))
            with suppress(TimeoutError):
                exchange.connection.recv(1)


@pytest.fixture
def dripping() -> Iterator[LocalServer]:
    """Yield a server whose responses drip."""
    server = DrippingServer()
    yield server
    server.close()


@pytest.fixture
def serve() -> Iterator[Any]:
    """Yield a function that starts a server with these replies; the servers end with the test."""
    servers: list[ReplyingServer] = []

    def start(*replies: Reply) -> tuple[ReplyingServer, RestClient]:
        server = ReplyingServer(*replies)
        servers.append(server)
        return server, client(server.url)

    yield start
    for server in servers:
        server.close()


def client(url: str) -> RestClient:
    """Return a client that sends the key `old`, or `fresh` after a refresh."""
    return RestClient(url, authorize=lambda refresh: {"X-Key": "fresh" if refresh else "old"}, timeouts=Timeouts(2, 2))


@pytest.mark.parametrize(
    ("reply", "reason", "transient"),
    [
        (Reply(402, {}), FailureCode.QUOTA_EXHAUSTED, False),
        (Reply(429, {}, {"Retry-After": "7"}), FailureCode.RATE_LIMITED, True),
        (Reply(503, {}, {"Retry-After": "7"}), FailureCode.RATE_LIMITED, True),
        (Reply(400, b"<html>"), FailureCode.INVALID_REQUEST, False),
        (Reply(422, {}), FailureCode.INVALID_REQUEST, False),
        (Reply(401, {}), FailureCode.PROVIDER_ERROR, False),
        (Reply(403, {}), FailureCode.PROVIDER_ERROR, False),
    ],
)
def test_a_refused_create_raises_an_error_that_says_why(
    serve: Any, reply: Reply, reason: FailureCode, transient: bool
) -> None:
    _, rest = serve(reply)
    with pytest.raises(ProviderError) as refused:
        rest.create("/tasks", {})
    assert not isinstance(refused.value, ProviderUnreachable)
    assert (refused.value.reason, refused.value.transient) == (reason, transient)
    assert refused.value.retry_after_seconds == (7 if "Retry-After" in reply.headers else None)


@pytest.mark.parametrize(
    "reply", [Reply(500, {}), Reply(502, b"<html>"), Reply(503, {}), Reply(409, {}), Reply(200, b"<html>"), Reply(302)]
)
def test_any_other_response_to_a_create_leaves_its_outcome_unknown_and_is_not_retried(serve: Any, reply: Reply) -> None:
    server, rest = serve(reply)
    with pytest.raises(ProviderUnreachable):
        rest.create("/tasks", {})
    assert len(server.received_headers) == 1


def test_a_create_that_cannot_connect_is_a_transient_error() -> None:
    with pytest.raises(ProviderError) as refused:
        client(f"http://127.0.0.1:{free_port()}").create("/tasks", {})
    assert not isinstance(refused.value, ProviderUnreachable)
    assert refused.value.transient


@pytest.mark.parametrize("status", [404, 410])
def test_a_404_or_410_response_means_that_the_result_is_lost(serve: Any, status: int) -> None:
    _, rest = serve(Reply(status, {}))
    with pytest.raises(ProviderError) as lost:
        rest.ask("/tasks/1")
    assert lost.value.reason is FailureCode.RESULT_LOST


@pytest.mark.parametrize("reply", [Reply(400, {}), Reply(429, {}), Reply(500, {}), Reply(200, [1]), Reply(200, b"<")])
def test_any_other_response_to_a_read_counts_as_unreachable(serve: Any, reply: Reply) -> None:
    _, rest = serve(reply)
    with pytest.raises(ProviderUnreachable):
        rest.ask("/tasks/1")


def test_a_response_without_a_body_is_valid(serve: Any) -> None:
    _, rest = serve(Reply(204))
    assert rest.ask("/tasks/1", method="DELETE") == {}


def test_a_rejected_key_is_refreshed_and_the_call_repeated_once(serve: Any) -> None:
    server, rest = serve(Reply(401, {}), Reply(200, {"id": "1"}))
    assert rest.create("/tasks", {}) == {"id": "1"}
    assert [headers["x-key"] for headers in server.received_headers] == ["old", "fresh"]


def test_a_create_is_not_sent_if_too_little_time_is_left_for_its_response(serve: Any) -> None:
    server, _ = serve(Reply(200, {"id": "1"}))
    rest = RestClient(server.url, authorize=lambda _: {}, timeouts=Timeouts(2, 20, submit_limit_seconds=20))
    with pytest.raises(ProviderError) as refused:
        rest.create("/tasks", {})
    assert not isinstance(refused.value, ProviderUnreachable)
    assert refused.value.transient
    assert server.received_headers == []


def test_a_create_whose_response_drips_ends_at_its_limit(dripping: LocalServer) -> None:
    rest = RestClient(dripping.url, authorize=lambda _: {}, timeouts=Timeouts(0.2, 0.2, submit_limit_seconds=1))
    with pytest.raises(ProviderUnreachable):
        rest.create("/tasks", {})


def test_a_response_over_the_maximum_size_is_aborted(serve: Any) -> None:
    server, _ = serve(Reply(200, {"words": "x" * 2000}))
    rest = RestClient(server.url, authorize=lambda _: {}, maximum_answer_bytes=1000)
    with pytest.raises(ProviderUnreachable):
        rest.ask("/tasks/1")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(httpx.Headers(headers)) == seconds


def test_retry_after_can_be_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert read_retry_after({"retry-after": at}) == pytest.approx(100, abs=5)
    assert read_retry_after({"retry-after": "Mon, 01 Jan 2024 00:00:00 GMT"}) == 0
    assert read_retry_after({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}) == MAXIMUM_RETRY_AFTER_SECONDS


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"])
def test_all_three_forms_of_a_date_are_read(form: str) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=100)).strftime(form)
    assert read_retry_after({"retry-after": at}) == pytest.approx(100, abs=5)


@pytest.mark.parametrize("value", ["99999999999999", "9" * 5000, "4000000"])
def test_a_long_pause_is_shortened_to_the_maximum(value: str) -> None:
    assert read_retry_after({"retry-after": value}) == MAXIMUM_RETRY_AFTER_SECONDS
    assert read_retry_after({"retry-after-ms": f"{value}000"}) == MAXIMUM_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    "value", ["inf", "nan", "1e400", "1e15", "٧", "1_0", "0x10", "", "5, 7", "1;2", "Mon, 99 Foo 2026", "(" * 999]
)
def test_a_malformed_pause_is_ignored(value: str) -> None:
    assert read_retry_after({"retry-after": value}) is None
    assert read_retry_after({"retry-after-ms": value}) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (7, 7),
        (1.5, 1.5),
        (-1, 0),
        (10**400, MAXIMUM_RETRY_AFTER_SECONDS),
        (float("inf"), MAXIMUM_RETRY_AFTER_SECONDS),
        (float("nan"), None),
        (True, None),
        ("7", None),
        ([], None),
    ],
)
def test_retry_after_of_a_body_must_be_a_number(value: object, seconds: float | None) -> None:
    assert read_retry_after({}, {"retry_after": value}) == seconds
