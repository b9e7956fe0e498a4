"""HTTP server of a provider that misbehaves as scripted and records the tasks that it would charge for."""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HANG_SECONDS = 2.0
"""Longer than the timeout of the client."""


@dataclass
class Task:
    """One provider task, which costs money."""

    ref: str
    token: str
    job: str
    polls: int = 0
    failed: bool = False
    lost: bool = False
    cancelled: bool = False

    @property
    def content(self) -> bytes:
        """Return the bytes of the video."""
        return f"video of {self.job} by {self.ref}\n".encode() + b"." * 2000 + b"\nend\n"

    @property
    def url(self) -> str:
        """Return the URL of the video at a provider that yields no pixels."""
        return f"https://provider.example.com/{self.job}/{self.ref}.mp4"


class ScriptedProvider:
    """Provider that responds as scripted, call by call. With an empty script every call succeeds.

    `submits` and `polls` hold `ok`, `429` (with Retry-After: 20), `500`, `html`, `nothing` (the connection is closed),
    `hang`, `error` and `refusal` (200 with an error in the body). A submission that ends in `+task` still creates the
    task. `results` holds `expired` and `cut`. `outcome` is `done` (at the second poll), `never` or `fails`.
    """

    def __init__(self, *, one_task_per_token: bool) -> None:
        self.one_task_per_token = one_task_per_token
        self.submits: deque[str] = deque()
        self.polls: deque[str] = deque()
        self.results: deque[str] = deque()
        self.outcome = "done"
        self.poll_after = 5.0
        self.tasks: dict[str, Task] = {}
        self.calls: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def respond(self, method: str, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any] | Task]:
        """Record a call. Return the behaviour and the content of the response."""
        parts = urlsplit(path)
        with self._lock:
            self.calls.append(f"{method} {parts.path}")
            if method == "POST":
                behaviour = self.submits.popleft() if self.submits else "ok"
                content = self._shown(self._task(body)) if behaviour == "ok" or behaviour.endswith("+task") else {}
                return behaviour.removesuffix("+task"), content
            if parts.query:
                token = parse_qs(parts.query)["token"][0]
                match_ = next((task for task in self.tasks.values() if task.token == token), None)
                return "ok", self._shown(match_) if match_ else {"ref": None}
            task = self.tasks[parts.path.rpartition("/")[2]]
            if parts.path.startswith("/results"):
                behaviour = self.results.popleft() if self.results else "ok"
                task.lost = task.lost or behaviour == "expired"
                return behaviour, task
            if method == "DELETE":
                task.cancelled = True
                return "ok", {"stopped": True}
            return self.polls.popleft() if self.polls else "ok", self._progress(task)

    def _task(self, body: dict[str, Any]) -> Task:
        known = [task for task in self.tasks.values() if task.token == body["token"]]
        if known and self.one_task_per_token:
            return known[0]
        task = Task(f"task-{len(self.tasks) + 1}", body["token"], body["job"])
        self.tasks[task.ref] = task
        return task

    def _shown(self, task: Task) -> dict[str, Any]:
        return {"ref": task.ref, "poll_after": self.poll_after}

    def _progress(self, task: Task) -> dict[str, Any]:
        task.polls += 1
        if self.outcome == "never" or task.polls < 2:
            return {"state": "running", "progress": min(task.polls / 10, 0.9), "poll_after": self.poll_after}
        if self.outcome == "fails":
            task.failed = True
        state = "failed" if task.failed else "done"
        return {"state": state, "progress": 1.0, "poll_after": self.poll_after, "url": task.url}


def _handler_of(provider: ScriptedProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:  # the client did not wait
                self.close_connection = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            behaviour, content = provider.respond(self.command, self.path, json.loads(self.rfile.read(length) or "{}"))
            _behave(self, behaviour, content)

        do_GET = do_DELETE = do_POST  # noqa: N815 - http.server requires these names

        def log_message(self, *_: object) -> None:
            """Write no log."""

    return Handler


def _behave(request: BaseHTTPRequestHandler, behaviour: str, content: dict[str, Any] | Task) -> None:
    match behaviour:
        case "ok" if isinstance(content, Task):
            _write(request, 200, content.content)
        case "ok":
            _write(request, 200, json.dumps(content).encode())
        case "429":
            _write(request, 429, b"slow down", {"Retry-After": "20"})
        case "500":
            _write(request, 500, b"oops")
        case "html":
            _write(request, 200, b"<html><body>Maintenance</body></html>", {"Content-Type": "text/html"})
        case "error" | "refusal":
            _write(request, 200, json.dumps({"error": "no", "transient": behaviour == "error"}).encode())
        case "expired":
            _write(request, 403, b"expired")
        case "cut" if isinstance(content, Task):
            _write(request, 200, content.content[:100], {"Content-Length": str(len(content.content))})
        case "hang":
            time.sleep(HANG_SECONDS)
        case "nothing":
            request.close_connection = True


def _write(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    request.close_connection = True
