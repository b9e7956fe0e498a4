"""Downloads of results: complete or not at all, from allowed hosts only, and resumed after interruptions."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.providers.counterparts.server import Exchange, LocalServer, Reply
from tests.servers import free_port
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable
from videojobs_providers.rest.download import MAXIMUM_TRIES, Source, download
from videojobs_providers.rest.result_host import open_result

VIDEO = bytes(range(256)) * 1200
"""Some hundred kilobytes, which is more than a socket returns in one read."""
HALF = len(VIDEO) // 2
OTHER = VIDEO[::-1]
SECRET = {"Authorization": "Bearer a-token"}
PATIENCE_SECONDS, IMPATIENCE_SECONDS = 10.0, 0.2

type Play = Callable[[Exchange], None]
"""Function that handles one call of the host."""


class Host(LocalServer):
    """Host of results. Each call is handled by the next function of `plays`, and later calls by the last one."""

    def __init__(self, *plays: Play) -> None:
        self.plays = list(plays)
        self.calls: list[Exchange] = []
        super().__init__()

    def answer(self, exchange: Exchange) -> None:
        self.calls.append(exchange)
        (self.plays.pop(0) if len(self.plays) > 1 else self.plays[0])(exchange)

    @property
    def ranges(self) -> list[tuple[str | None, str | None]]:
        """Return the headers `Range` and `If-Range` of each call, or None for a missing header."""
        return [(call.headers.get("range"), call.headers.get("if-range")) for call in self.calls]


@dataclass
class Fetch:
    """One download, with its reported progress and the number of URLs that it requested."""

    path: Path
    hosts: ExitStack
    shown: list[float] = field(default_factory=list)
    located: int = 0

    def host(self, *plays: Play) -> Host:
        host = Host(*plays)
        self.hosts.callback(host.close)
        return host

    def run(self, *urls: str, allowed: Sequence[str] = ("127.0.0.1",), **options: float) -> bytes:
        """Download from the first URL, and from the next one whenever a fresh URL is requested. Return the bytes."""

        def locate() -> Source:
            self.located += 1
            return Source(urls[min(self.located, len(urls)) - 1], SECRET)

        patience = {"call_seconds": PATIENCE_SECONDS} | options
        download(locate, self.path, allowed_hosts=allowed, on_progress=self.shown.append, **patience)  # type: ignore[arg-type]
        assert self.shown == sorted(self.shown)
        assert (self.shown[0], self.shown[-1]) == (0, 1)
        return self.path.read_bytes()

    def error(self, *urls: str, allowed: Sequence[str] = ("127.0.0.1",), **options: float) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.run(*urls, allowed=allowed, **options)
        return caught.value


@pytest.fixture
def fetch(tmp_path: Path) -> Iterator[Fetch]:
    """Yield a download to a file that does not exist yet, and close its hosts at the end."""
    with ExitStack() as hosts:
        yield Fetch(tmp_path / "clip.mp4", hosts)


def sends(content: bytes = VIDEO, *, etag: str = '"v1"', cut_at: int | None = None, ranges: bool = True) -> Play:
    """Return a handler that sends the content as HTTP defines it, including ranges."""

    def play(exchange: Exchange) -> None:
        head = {"Etag": etag} if etag else {}
        requested = exchange.headers.get("range", "")
        if ranges and requested and exchange.headers.get("if-range", etag) == etag:
            begin = int(requested.removeprefix("bytes=").removesuffix("-"))
            content_range = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            exchange.send(Reply(206, content[begin:], {**head, "Content-Range": content_range}), cut_at=cut_at)
        else:
            exchange.send(Reply(200, content, head), cut_at=cut_at)

    return play


def answers(status: int, **headers: str) -> Play:
    """Return a handler that sends this status and these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.send(Reply(status, b"no video", named))


def speaks(head: str, body: bytes = b"") -> Play:
    """Return a handler that sends this head and body unchanged, and closes the connection."""
    return lambda exchange: exchange.connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


def hangs_up(exchange: Exchange) -> None:
    """Close the connection without a response."""


def is_silent(exchange: Exchange) -> None:
    """Send no response until the client closes the connection."""
    exchange.wait_until_it_hangs_up()


# ---------------------------------------------------------------- complete downloads


def test_download_is_complete_and_reports_progress(fetch: Fetch) -> None:
    host = fetch.host(sends())
    assert fetch.run(host.url) == VIDEO
    assert len(fetch.shown) > 3
    assert host.calls[0].headers["authorization"] == SECRET["Authorization"]


def test_download_of_unknown_length_is_complete(fetch: Fetch) -> None:
    host = fetch.host(speaks("HTTP/1.1 200 OK", VIDEO))
    assert fetch.run(host.url) == VIDEO


def test_existing_file_is_overwritten(fetch: Fetch) -> None:
    fetch.path.write_bytes(OTHER * 2)
    assert fetch.run(fetch.host(sends()).url) == VIDEO


def test_download_stops_if_the_progress_report_raises(fetch: Fetch) -> None:
    def stop(part: float) -> None:
        if part:
            raise LeaseLost

    source = Source(fetch.host(sends()).url)
    with pytest.raises(LeaseLost):
        download(lambda: source, fetch.path, allowed_hosts=["127.0.0.1"], on_progress=stop)


# ---------------------------------------------------------------- interruptions


def test_interrupted_download_continues_where_it_ended(fetch: Fetch) -> None:
    host = fetch.host(sends(cut_at=HALF), sends(cut_at=1000), sends())
    assert fetch.run(host.url) == VIDEO
    assert host.ranges == [(None, None), (f"bytes={HALF}-", '"v1"'), (f"bytes={HALF + 1000}-", '"v1"')]
    assert fetch.located == 1


def test_last_modified_is_used_without_a_strong_etag(fetch: Fetch) -> None:
    date = "Wed, 08 Jan 2026 10:00:00 GMT"

    def cut(exchange: Exchange) -> None:
        exchange.send(Reply(200, VIDEO, {"Etag": 'W/"v1"', "Last-Modified": date}), cut_at=HALF)

    host = fetch.host(cut, sends(etag=""))
    assert fetch.run(host.url) == VIDEO
    assert host.ranges[1] == (f"bytes={HALF}-", date)


def test_download_without_a_validator_restarts(fetch: Fetch) -> None:
    host = fetch.host(sends(etag="", cut_at=HALF), sends(etag=""))
    assert fetch.run(host.url) == VIDEO
    assert host.ranges == [(None, None)] * 2


def test_host_without_range_support_sends_everything_again(fetch: Fetch) -> None:
    host = fetch.host(sends(cut_at=HALF), sends(ranges=False))
    assert fetch.run(host.url) == VIDEO


def test_changed_result_restarts_the_download(fetch: Fetch) -> None:
    host = fetch.host(sends(cut_at=HALF), sends(OTHER, etag='"v2"'))
    assert fetch.run(host.url) == OTHER


@pytest.mark.parametrize(
    "rest",
    [
        {"Content-Range": f"bytes {HALF}-{len(OTHER) - 1}/{len(OTHER)}", "Etag": '"v2"'},
        {"Content-Range": f"bytes {HALF}-{len(OTHER)}/{len(OTHER) + 1}", "Etag": '"v1"'},
        {"Content-Range": f"bytes {HALF - 1}-{len(OTHER) - 1}/{len(OTHER)}", "Etag": '"v1"'},
        {"Etag": '"v1"'},
    ],
    ids=["another tag", "another length", "another place", "no place"],
)
def test_mismatched_range_is_not_appended(fetch: Fetch, rest: dict[str, str]) -> None:
    host = fetch.host(
        sends(cut_at=HALF), lambda exchange: exchange.send(Reply(206, OTHER[HALF:], rest)), sends(OTHER, etag='"v2"')
    )
    assert fetch.run(host.url) == OTHER
    assert host.ranges[2] == (None, None)


def test_rejected_range_restarts_the_download(fetch: Fetch) -> None:
    host = fetch.host(sends(cut_at=HALF), answers(416), sends())
    assert fetch.run(host.url) == VIDEO
    assert host.ranges[2] == (None, None)


@pytest.mark.parametrize(
    "fault",
    [
        answers(500),
        answers(408),
        answers(304),
        hangs_up,
        answers(200, Content_Type="text/html; charset=utf-8"),
        answers(200, Content_Encoding="gzip"),
        speaks("HTTP/1.1 200 OK\nContent-Length: 0"),
    ],
    ids=["500", "408", "304", "cut", "a page", "packed", "empty"],
)
def test_transient_error_is_retried_a_limited_number_of_times(fetch: Fetch, fault: Play) -> None:
    assert fetch.run(fetch.host(fault, sends()).url) == VIDEO
    host = fetch.host(fault)
    assert isinstance(fetch.error(host.url), ProviderUnreachable)
    assert len(host.calls) == MAXIMUM_TRIES


def test_silent_host_times_out(fetch: Fetch) -> None:
    silent = fetch.host(is_silent)
    assert isinstance(fetch.error(silent.url, call_seconds=IMPATIENCE_SECONDS), ProviderUnreachable)
    assert len(fetch.shown) > MAXIMUM_TRIES, (
        "progress is reported while the download waits, so that the lease is renewed"
    )


def test_download_beyond_the_total_time_is_postponed(fetch: Fetch) -> None:
    assert isinstance(fetch.error(fetch.host(sends()).url, maximum_seconds=0.0), ProviderUnreachable)


def test_unreachable_host_is_a_transient_error(fetch: Fetch) -> None:
    assert isinstance(fetch.error(f"http://127.0.0.1:{free_port()}/clip"), ProviderUnreachable)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_the_host_is_respected(fetch: Fetch, status: int) -> None:
    host = fetch.host(answers(status, Retry_After="7"))
    assert fetch.error(host.url).retry_after_seconds == 7
    assert len(host.calls) == 1


# ---------------------------------------------------------------- expired URLs


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_url_is_replaced(fetch: Fetch, status: int) -> None:
    old, fresh = fetch.host(answers(status)), fetch.host(sends())
    assert fetch.run(old.url, fresh.url) == VIDEO
    assert (fetch.located, len(old.calls), len(fresh.calls)) == (2, 1, 1)


def test_url_that_expires_during_the_download_is_replaced(fetch: Fetch) -> None:
    old, fresh = fetch.host(sends(cut_at=HALF), answers(403)), fetch.host(sends(OTHER))
    assert fetch.run(old.url, fresh.url) == OTHER


@pytest.mark.parametrize("status", [403, 404, 410])
def test_result_that_new_urls_do_not_return_either_is_lost(fetch: Fetch, status: int) -> None:
    host = fetch.host(answers(status))
    assert fetch.error(host.url).reason is FailureCode.RESULT_LOST
    assert fetch.located == len(host.calls) == 3


# ---------------------------------------------------------------- size limit


def test_result_with_too_large_a_content_length_is_not_read(fetch: Fetch) -> None:
    host = fetch.host(sends())
    error = fetch.error(host.url, maximum_bytes=len(VIDEO) - 1)
    assert (error.reason, error.transient) == (FailureCode.PROVIDER_ERROR, False)
    assert (fetch.path.stat().st_size, len(host.calls)) == (0, 1)


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked"])
def test_download_that_exceeds_the_limit_is_stopped(fetch: Fetch, head: str) -> None:
    body = VIDEO if "chunked" not in head else b"%x\r\n%b\r\n0\r\n\r\n" % (len(VIDEO), VIDEO)
    error = fetch.error(fetch.host(speaks(head, body)).url, maximum_bytes=HALF)
    assert not error.transient
    assert fetch.path.stat().st_size <= HALF


def test_result_of_exactly_the_limit_is_accepted(fetch: Fetch) -> None:
    assert fetch.run(fetch.host(sends()).url, maximum_bytes=len(VIDEO)) == VIDEO


# ---------------------------------------------------------------- redirects and hosts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_allowed_host_is_followed_without_the_key(fetch: Fetch, status: int) -> None:
    there = fetch.host(sends())
    here = fetch.host(answers(status, Location=f"{there.url}/clip"))
    assert fetch.run(here.url) == VIDEO
    assert "authorization" in here.calls[0].headers
    assert "authorization" not in there.calls[0].headers


def test_redirect_within_the_host_keeps_the_key_and_the_partial_file(fetch: Fetch) -> None:
    host = fetch.host(answers(302, Location="/b"), sends(cut_at=HALF), answers(302, Location="/b"), sends())
    assert fetch.run(f"{host.url}/a") == VIDEO
    assert [call.path for call in host.calls] == ["/a", "/b", "/a", "/b"]
    assert all("authorization" in call.headers for call in host.calls)
    assert host.ranges[3] == (f"bytes={HALF}-", '"v1"')


def test_redirect_loop_is_stopped(fetch: Fetch) -> None:
    host = fetch.host(answers(302, Location="/again"))
    assert isinstance(fetch.error(host.url), ProviderUnreachable)
    assert len(host.calls) == MAXIMUM_TRIES * 6


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.test/clip",
        "http://localhost/clip",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "https://user:word@127.0.0.1/clip",
    ],
)
def test_redirect_to_a_host_that_is_not_allowed_is_not_followed(
    fetch: Fetch, elsewhere: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = fetch.host(answers(302, Location=elsewhere))
    assert not fetch.error(host.url).transient
    assert len(host.calls) == 1
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert vars(record)["action"] == "result_host_refused"
    assert elsewhere not in str(vars(record))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://v3.fal.media/clip", [".fal.media"]),
        ("https://v3.fal.media.elsewhere.test/clip", [".fal.media"]),
        ("https://evilfal.media/clip", [".fal.media", "fal.media"]),
        ("http://127.0.0.1:1/clip", [".fal.media"]),
        ("https://localhost:1/clip", ["localhost"]),
        ("https://10.0.0.1/clip", ["10.0.0.1"]),
        ("https://127.0.0.1:port/clip", ["127.0.0.1"]),
    ],
    ids=["not https", "another end", "another name", "not listed", "this machine by name", "private", "malformed"],
)
def test_url_of_a_host_that_is_not_allowed_is_not_requested(fetch: Fetch, url: str, allowed: list[str]) -> None:
    error = fetch.error(url, allowed=allowed)
    assert (error.transient, isinstance(error, ProviderUnreachable)) == (False, False)


def test_unresolved_host_name_is_a_transient_error(fetch: Fetch) -> None:
    assert isinstance(fetch.error("https://results.invalid/clip", allowed=[".invalid"]), ProviderUnreachable)


def test_request_uses_the_checked_address_and_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 1:
            raise httpx.ConnectError("no way there")
        return httpx.Response(200, content=VIDEO)

    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "1.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    http = httpx.Client(transport=httpx.MockTransport(answer))
    with open_result(http, "https://V3.fal.media/clip?a=b", SECRET, {}, [".fal.media"]) as response:
        assert response.read() == VIDEO
    assert [request.url for request in requests] == ["https://1.1.1.1/clip?a=b", "https://1.0.0.1/clip?a=b"]
    assert {request.headers["host"] for request in requests} == {"v3.fal.media"}
    assert {request.extensions["sni_hostname"] for request in requests} == {"v3.fal.media"}
