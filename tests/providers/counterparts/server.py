"""What all counterparts of providers stand on: an HTTP server on 127.0.0.1, a ledger of tasks, a small real video.

A counterpart speaks one provider's API as it is published, for one test. It derives from `Counterpart` and says
`route`, `kind` and `provider`; the faults of the network are made by `tests.providers.http_wire`.
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
from videojobs.adapters.rest.setup import ReadKey
from videojobs.domain.job import JobId
from videojobs.ports.videos import GenerationRequest, VideoProvider

CALL_SECONDS = 0.5
"""A client's patience in tests: what answers at all answers in a few milliseconds."""


class Fate(StrEnum):
    """What becomes of the next task."""

    MAKES = "makes"  # done at its third poll, then its video can be fetched
    REFUSES = "refuses"  # for its content, in the provider's own way: see `Counterpart.refusals`
    FAILS = "fails"  # a failure of the provider that may pass
    STRANGE = "strange"  # an undocumented state at the first poll, then as MAKES
    NEVER = "never"  # runs for ever
    EXPIRES = "expires"  # done; the result's first URL is refused, a fresh one works
    LOST = "lost"  # done; the result is gone for good


class Stage(StrEnum):
    """How a task stands at a poll."""

    QUEUED = "queued"
    RUNNING = "running"
    STRANGE = "strange"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Task:
    """One line of the ledger: a task that was created, and costs money. `body` is what it was created from."""

    ref: str
    body: Any
    fate: Fate = Fate.MAKES
    polls: int = 0
    cancelled: bool = False
    fetched: int = 0

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to cancel."""
        return self.cancelled or self.stage in {Stage.DONE, Stage.REFUSED, Stage.FAILED}

    @property
    def stage(self) -> Stage:
        """How it stands after so many polls: queued at the first, running at the second, ended at the third."""
        if self.cancelled:
            return Stage.CANCELLED
        if self.polls <= 1:
            return Stage.STRANGE if self.polls and self.fate is Fate.STRANGE else Stage.QUEUED
        if self.polls == 2 or self.fate is Fate.NEVER:
            return Stage.RUNNING
        return {Fate.REFUSES: Stage.REFUSED, Fate.FAILS: Stage.FAILED}.get(self.fate, Stage.DONE)

    def poll(self) -> Stage:
        """Count a poll, and say how the task stands now."""
        self.polls += 1
        return self.stage


@dataclass(frozen=True)
class Reply:
    """An answer: bytes go out as they are, anything else as JSON, None as nothing at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """What goes over the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        """Its headers, with what every answer has. A key in another case would be sent twice: use these names."""
        kind = "application/octet-stream" if isinstance(self.body, bytes) else "application/json"
        sent = {"Content-Type": kind} if self.body is not None else {}
        sent |= {name.title(): value for name, value in self.headers.items()}
        return {"Content-Length": str(len(self.content)), **sent, "Connection": "close"}


@dataclass(frozen=True)
class Exchange:
    """A call that waits for its answer. `headers` can be read in any case."""

    method: str
    path: str
    query: dict[str, str]
    headers: httpx.Headers
    body: bytes
    connection: socket.socket

    def send(self, reply: Reply, *, cut_at: int | None = None) -> None:
        """Answer; with `cut_at` the connection is cut after so many bytes of the body."""
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in reply.all_headers.items())]
        content = b"" if self.method == "HEAD" else reply.content[:cut_at]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)

    def wait_until_it_hangs_up(self) -> None:
        """Say nothing until the client has lost its patience."""
        while self.connection.recv(65536):
            pass


class LocalServer(ABC):
    """An HTTP server at a port of its own, one thread per call, no keep-alive."""

    def __init__(self) -> None:
        """It answers from now on, until `close`."""
        self.broken: list[str] = []
        self.traceparents: list[str] = []
        """Those of the calls so far that told one."""
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @abstractmethod
    def answer(self, exchange: Exchange) -> None:
        """Send an answer, or do something else to the caller."""

    def close(self) -> None:
        """Stop answering.

        Raises:
            AssertionError: the server itself broke down at some call.
        """
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert not self.broken, "\n".join(self.broken)


class Counterpart(LocalServer):
    """A provider's API with a ledger. `route` and `kind` get the path as it came, still percent-encoded."""

    name: ClassVar[str]
    refusals: ClassVar[tuple[str, ...]] = ("refusal",)
    """The ways in which the provider refuses a prompt; `refusal` says which one is next."""
    rotates_keys: ClassVar[bool] = True
    """Whether `provider` reads a key of ours (through `key_reader`) that an operator may replace at any time."""

    def __init__(self, video: bytes | None = None) -> None:
        """With a video of one second, or the one given."""
        self.fate = Fate.MAKES
        self.refusal = self.refusals[0]
        self.tasks: dict[str, Task] = {}
        self.video = video or make_video()
        self._lock = Lock()
        super().__init__()
        self.public_url = self.url
        """What each URL that is handed out begins with (results, status, cancel): that of the wire in front, if any."""

    @abstractmethod
    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """The provider's answer to a call; never called by two threads at once."""

    @abstractmethod
    def kind(self, method: str, path: str) -> str:
        """`submit`, `poll`, `cancel` or `fetch` (the video's bytes); anything else (a sign-in, say) is let through."""

    @abstractmethod
    def provider(self, url: str, *, key: str = "a-key", call_seconds: float = CALL_SECONDS) -> VideoProvider:
        """The adapter, pointed at `url`."""

    @cached_property
    def request(self) -> GenerationRequest:
        """What the adapter is asked for: the first of its clips."""
        clips = self.provider(self.url).capabilities.clips
        assert clips, "an AI provider says which clips it makes"
        return GenerationRequest(JobId("65a0000000000000000000aa"), "A cat on a surfboard", clips[0])

    def key_reader(self, key: str, **more: Any) -> ReadKey:
        """The provider's part of the secret, `{"key": key, **more}`; each refresh brings a newer key."""
        state = {"key": key}

        def read_key(*, refresh: bool = False) -> Mapping[str, Any]:
            if refresh:
                state["key"] += "-renewed"
            return {**state, **more}

        return read_key

    def add(self, ref: str, body: Any) -> Task:
        """Write a task that is being created into the ledger."""
        task = self.tasks[ref] = Task(ref, body, self.fate)
        return task

    def serve_video(self, task: Task, headers: Mapping[str, str], *, fresh: bool = True) -> Reply:
        """The video, or the part of it that a `Range` asks for; refused with 403 or 404 where that is its fate.

        `fresh`: the URL is not the first one that was handed out for this result.
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
        """Carry a call out."""
        with self._lock:
            return self.route(exchange.method, exchange.path, exchange.query, exchange.headers, exchange.body)

    def answer(self, exchange: Exchange) -> None:
        """Carry a call out and answer it."""
        exchange.send(self.reply(exchange))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: LocalServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up is no error here; the rest is kept in `broken`."""


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
        except Exception:  # noqa: BLE001 - whatever it is, `close` tells the test
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
        """Silence."""
