"""Base of the counterparts of providers: an HTTP server on 127.0.0.1, a ledger of tasks, and a small real video.

A counterpart implements the published API of one provider for one test. It derives from `Counterpart` and defines
`route`, `kind` and `provider`. The module `tests.providers.http_wire` simulates network faults.
"""

import json
import re
import socket
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.providers.video import make_video
from videojobs.domain.job import JobId
from videojobs.ports.videos import GenerationRequest, VideoProvider
from videojobs_providers.rest.setup import ReadKey, Timeouts

CALL_SECONDS = 0.5
"""Timeout of a client in tests. A response normally takes a few milliseconds."""


def timeouts(call_seconds: float | None) -> Timeouts:
    """Return timeouts of `call_seconds` for every request, also for a submit; for None, those of a deployment."""
    return Timeouts() if call_seconds is None else Timeouts(call_seconds, submit_seconds=call_seconds)


class Fate(StrEnum):
    """Outcome of the next task."""

    MAKES = "makes"  # done at its third poll, then its video can be fetched
    REFUSES = "refuses"  # rejected for its content, in one of the ways in `Counterpart.refusals`
    FAILS = "fails"  # a transient failure of the provider
    STRANGE = "strange"  # an undocumented state at the first poll, then as MAKES
    NEVER = "never"  # never ends
    EXPIRES = "expires"  # done; the first URL of the result is rejected, a fresh URL works
    LOST = "lost"  # done; the result no longer exists


class Stage(StrEnum):
    """State of a task at a poll."""

    QUEUED = "queued"
    RUNNING = "running"
    STRANGE = "strange"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Task:
    """Entry of the ledger: a task that was created and is charged. `body` is the body of its submit."""

    ref: str
    body: Any
    fate: Fate = Fate.MAKES
    polls: int = 0
    cancelled: bool = False
    fetched: int = 0

    @property
    def ended(self) -> bool:
        """Return whether the task was cancelled or has ended."""
        return self.cancelled or self.stage in {Stage.DONE, Stage.REFUSED, Stage.FAILED}

    @property
    def stage(self) -> Stage:
        """Return the state after the polls so far: queued at the first, running at the second, ended at the third."""
        if self.cancelled:
            return Stage.CANCELLED
        if self.polls <= 1:
            return Stage.STRANGE if self.polls and self.fate is Fate.STRANGE else Stage.QUEUED
        if self.polls == 2 or self.fate is Fate.NEVER:
            return Stage.RUNNING
        return {Fate.REFUSES: Stage.REFUSED, Fate.FAILS: Stage.FAILED}.get(self.fate, Stage.DONE)

    def poll(self) -> Stage:
        """Count a poll, and return the state of the task."""
        self.polls += 1
        return self.stage


@dataclass(frozen=True)
class Reply:
    """Response of a server. A body of bytes is sent unchanged, None as an empty body, and other values as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        """Return the headers in title case, with those of every response."""
        kind = "application/octet-stream" if isinstance(self.body, bytes) else "application/json"
        sent = {"Content-Type": kind} if self.body is not None else {}
        sent |= {name.title(): value for name, value in self.headers.items()}
        return {"Content-Length": str(len(self.content)), **sent, "Connection": "close"}


@dataclass(frozen=True)
class Exchange:
    """Call that waits for its response. The names of `headers` are case-insensitive."""

    method: str
    path: str
    query: dict[str, str]
    headers: httpx.Headers
    body: bytes
    connection: socket.socket

    def send(self, reply: Reply, *, cut_at: int | None = None) -> None:
        """Send the response, or with `cut_at` only this number of bytes of its body."""
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in reply.all_headers.items())]
        content = b"" if self.method == "HEAD" else reply.content[:cut_at]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)

    def wait_until_it_hangs_up(self) -> None:
        """Send no response until the client closes the connection."""
        while self.connection.recv(65536):
            pass


class LocalServer(ABC):
    """HTTP server on its own port, with one thread per call and without keep-alive."""

    def __init__(self) -> None:
        """Start the server; it responds until `close`."""
        self.broken: list[str] = []
        self.traceparents: list[str] = []
        """Values of the header `traceparent` in the calls so far."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @abstractmethod
    def answer(self, exchange: Exchange) -> None:
        """Send a response, or simulate a fault of the connection."""

    def close(self) -> None:
        """Stop the server.

        Raises:
            AssertionError: If a call raised an exception in the server.
        """
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert not self.broken, "\n".join(self.broken)


class Counterpart(LocalServer):
    """API of a provider with a ledger. `route` and `kind` receive the path in its percent-encoded form."""

    name: ClassVar[str]
    refusals: ClassVar[tuple[str, ...]] = ("refusal",)
    """Ways in which the provider rejects a prompt; `refusal` is the way of the next rejection."""
    rotates_keys: ClassVar[bool] = True
    """Whether `provider` reads a key through `key_reader`, which an operator can replace at any time."""

    def __init__(self, video: bytes | None = None) -> None:
        """Start a server whose results are `video`, by default a video of one second."""
        self.fate = Fate.MAKES
        self.refusal = self.refusals[0]
        self.tasks: dict[str, Task] = {}
        self.video = video or make_video()
        self._lock = Lock()
        super().__init__()
        self.public_url = self.url
        """Base of the URLs in responses (result, status, cancel); a proxy in front of the server sets it to its own."""

    @abstractmethod
    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the provider's response to a call; never called by two threads at once."""

    @abstractmethod
    def kind(self, method: str, path: str) -> str:
        """Return `submit`, `poll`, `cancel`, `fetch` (the bytes of the video), or another name such as `sign-in`."""

    @abstractmethod
    def provider(self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS) -> VideoProvider:
        """Return an adapter that calls `url`, with the `timeouts` of `call_seconds`."""

    @cached_property
    def request(self) -> GenerationRequest:
        """Return a request for the first clip of the adapter."""
        clips = self.provider(self.url).capabilities.clips
        assert clips, "an AI provider says which clips it makes"
        return GenerationRequest(JobId("65a0000000000000000000aa"), "A cat on a surfboard", clips[0])

    def key_reader(self, key: str, **more: Any) -> ReadKey:
        """Return a function that returns `{"key": key, **more}`; each refresh changes the key."""
        state = {"key": key}

        def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
            if refresh:
                state["key"] += "-renewed"
            return {**state, **more}

        return read_key

    def add(self, ref: str, body: Any) -> Task:
        """Add a new task with the current `fate` to the ledger, and return it."""
        task = self.tasks[ref] = Task(ref, body, self.fate)
        return task

    def serve_video(self, task: Task, headers: Mapping[str, str], *, fresh: bool = True) -> Reply:
        """Return the video or the requested range of it, or 403 or 404 if the fate of the task is `EXPIRES` or `LOST`.

        `fresh` means that the URL is not the first one of this result, so that it has not expired.
        """
        if task.fate is Fate.LOST:
            return Reply(404, {"error": "gone"})
        if task.fate is Fate.EXPIRES and not fresh:
            return Reply(403, {"error": "expired"})
        task.fetched += 1
        sent = {"Content-Type": "video/mp4", "ETag": '"the-video"', "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        if not wanted or headers.get("if-range", '"the-video"') != '"the-video"':
            return Reply(200, self.video, sent)
        size = len(self.video)
        start, end = int(wanted[1]), min(int(wanted[2] or size), size - 1)
        if start >= size:
            return Reply(416, None, {"Content-Range": f"bytes */{size}"})
        return Reply(206, self.video[start : end + 1], {**sent, "Content-Range": f"bytes {start}-{end}/{size}"})

    def reply(self, exchange: Exchange) -> Reply:
        """Return the response of `route`, one call at a time."""
        with self._lock:
            return self.route(exchange.method, exchange.path, exchange.query, exchange.headers, exchange.body)

    def answer(self, exchange: Exchange) -> None:
        """Send the response of `route`."""
        exchange.send(self.reply(exchange))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: LocalServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection; other errors are stored in `broken`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_any(self) -> None:
        self.close_connection = True
        url = urlsplit(self.path)
        headers = httpx.Headers(self.headers.items())
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        exchange = Exchange(self.command, url.path, query, headers, self._body(), self.connection)
        self.server.owner.traceparents += headers.get_list("traceparent")
        try:
            self.server.owner.answer(exchange)
        except OSError:
            raise  # the client hung up
        except Exception:  # noqa: BLE001 - `close` reports any error to the test
            self.server.owner.broken.append(traceback.format_exc())
            exchange.send(Reply(500, {"error": "the counterpart broke down"}))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""
