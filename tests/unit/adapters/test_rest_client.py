"""What an answer of a REST API means: refused, unknown, gone, or to be asked again."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tests.providers.counterparts.server import Exchange, LocalServer, Reply
from tests.servers import free_port
from videojobs.adapters.rest.client import RestClient, read_retry_after
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable


class Answering(LocalServer):
    """Gives the same answer to every call, and notes what it was sent."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.seen = list(replies), list[Mapping[str, str]]()
        super().__init__()

    def answer(self, exchange: Exchange) -> None:
        """The next of the answers; the last one again and again."""
        self.seen.append(exchange.headers)
        exchange.send(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


@pytest.fixture
def serve() -> Iterator[Any]:
    """Makes servers that end with the test."""
    made: list[Answering] = []

    def start(*replies: Reply) -> tuple[Answering, RestClient]:
        server = Answering(*replies)
        made.append(server)
        return server, client(server.url)

    yield start
    for server in made:
        server.close()


def client(url: str) -> RestClient:
    """A client whose key is fresh or old."""
    return RestClient(url, authorize=lambda refresh: {"X-Key": "fresh" if refresh else "old"}, call_seconds=2)


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
def test_a_create_that_was_refused_made_nothing(serve: Any, reply: Reply, reason: FailureCode, transient: bool) -> None:
    _, rest = serve(reply)
    with pytest.raises(ProviderError) as refused:
        rest.create("/tasks", {})
    assert not isinstance(refused.value, ProviderUnreachable)
    assert (refused.value.reason, refused.value.transient) == (reason, transient)
    assert refused.value.retry_after_seconds == (7 if "Retry-After" in reply.headers else None)


@pytest.mark.parametrize(
    "reply", [Reply(500, {}), Reply(502, b"<html>"), Reply(503, {}), Reply(409, {}), Reply(200, b"<html>"), Reply(302)]
)
def test_any_other_answer_to_a_create_says_nothing_and_it_is_sent_once(serve: Any, reply: Reply) -> None:
    server, rest = serve(reply)
    with pytest.raises(ProviderUnreachable):
        rest.create("/tasks", {})
    assert len(server.seen) == 1


def test_a_create_that_never_left_made_nothing() -> None:
    with pytest.raises(ProviderError) as refused:
        client(f"http://127.0.0.1:{free_port()}").create("/tasks", {})
    assert not isinstance(refused.value, ProviderUnreachable)
    assert refused.value.transient


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_any_more_is_lost(serve: Any, status: int) -> None:
    _, rest = serve(Reply(status, {}))
    with pytest.raises(ProviderError) as lost:
        rest.ask("/tasks/1")
    assert lost.value.reason is FailureCode.RESULT_LOST


@pytest.mark.parametrize("reply", [Reply(400, {}), Reply(429, {}), Reply(500, {}), Reply(200, [1]), Reply(200, b"<")])
def test_any_other_answer_to_a_question_is_none(serve: Any, reply: Reply) -> None:
    _, rest = serve(reply)
    with pytest.raises(ProviderUnreachable):
        rest.ask("/tasks/1")


def test_an_answer_without_a_body_is_an_answer(serve: Any) -> None:
    _, rest = serve(Reply(204))
    assert rest.ask("/tasks/1", method="DELETE") == {}


def test_a_key_that_is_not_accepted_is_read_anew_and_the_call_made_once_more(serve: Any) -> None:
    server, rest = serve(Reply(401, {}), Reply(200, {"id": "1"}))
    assert rest.create("/tasks", {}) == {"id": "1"}
    assert [headers["x-key"] for headers in server.seen] == ["old", "fresh"]


def test_an_answer_that_never_ends_is_cut_off(serve: Any) -> None:
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
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(httpx.Headers(headers)) == seconds


def test_a_date_to_wait_for_is_read_too() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert read_retry_after({"retry-after": at}) == pytest.approx(100, abs=5)
    assert read_retry_after({"retry-after": "Mon, 01 Jan 2024 00:00:00 GMT"}) == 0
