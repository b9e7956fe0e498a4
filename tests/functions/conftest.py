"""The API's functions as Lambda calls them, on ports that live in memory."""

import io
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from functions.generate import app as generate_app
from functions.status import app as status_app
from tests.builders import a_job
from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.queue import RecordingQueue
from tests.fakes.store import InMemoryVideoStore
from videojobs import bootstrap
from videojobs.domain.job import JobId, Style, UserId, VideoJob
from videojobs.observability import logger

NOW = datetime(2026, 1, 8, 10, 0, 0, 123_000, tzinfo=UTC)
ORIGIN = "https://app.example.com"
SECRET = "correct-horse-battery-staple-0123456789"
USER = UserId("507f191e810c19729de860ea")


@dataclass
class Secret:
    """The key, and how often somebody asked for a fresh one."""

    current: str = SECRET
    cached: str = SECRET
    refreshed: int = 0

    def __call__(self, *, refresh: bool = False) -> str:
        if refresh:
            self.refreshed += 1
            self.cached = self.current
        return self.cached


@dataclass
class Answer:
    """A proxy response, read as a browser reads it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def details(self) -> dict[str, str]:
        return {detail["field"]: detail["message"] for detail in self.json["error"]["details"]}


@dataclass
class World:
    """Everything around the two functions."""

    jobs: InMemoryJobRepository
    queue: RecordingQueue
    secret: Secret
    settings: SimpleNamespace
    log: io.StringIO

    def token(self, **claims: Any) -> str:
        return jwt.encode({"userId": USER, "exp": int(time.time()) + 3600} | claims, SECRET, algorithm="HS256")

    def event(self, method: str, route: str, body: str | None = None, **overrides: Any) -> dict[str, Any]:
        headers = {"Cookie": f"token={self.token()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers |= overrides.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        event = {
            "httpMethod": method,
            "resource": "/api/videos/generate" if route.endswith("generate") else "/api/videos/{jobId}",
            "path": route,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "requestContext": {"requestId": "request-1", "stage": "local", "path": f"/local{route}"},
            "body": body,
            "isBase64Encoded": False,
        }
        return event | overrides

    def post(self, body: Any, **overrides: Any) -> Answer:
        text = body if isinstance(body, str | None) else json.dumps(body)
        return call(generate_app.handler, self.event("POST", "/api/videos/generate", text, **overrides))

    def get(self, job_id: str, **overrides: Any) -> Answer:
        return self.invoke(self.event("GET", f"/api/videos/{job_id}", **overrides))

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Call `status` with an event as it is."""
        return call(status_app.handler, event)

    def invoke_generate(self, event: dict[str, Any]) -> Answer:
        """Call `generate` with an event as it is."""
        return call(generate_app.handler, event)

    def store(self, **fields: Any) -> VideoJob:
        """Put a job of the caller's into the database."""
        own = {"id": JobId("665f1f77bcf86cd799439011"), "user_id": USER, "prompt": "A paper boat", "style": Style.CALM}
        return self.jobs.put(a_job(**own | {"created_at": NOW, "updated_at": NOW} | fields))

    def forget(self) -> None:
        """Start with an empty database."""
        self.jobs = InMemoryJobRepository()


def call(handler: Any, event: dict[str, Any]) -> Answer:
    context = SimpleNamespace(
        aws_request_id="lambda-1", function_name="f", memory_limit_in_mb=256, invoked_function_arn="arn:aws:lambda:f"
    )
    proxy = handler(event, context)
    # Lambda itself writes the response as JSON in UTF-8; what can't be written so is a 502.
    proxy = json.loads(json.dumps(proxy, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    assert set(proxy) == {"statusCode", "body", "isBase64Encoded", "multiValueHeaders"}
    assert all(len(values) == 1 for values in proxy["multiValueHeaders"].values())
    headers = {name.lower(): values[0] for name, values in proxy["multiValueHeaders"].items()}
    return Answer(proxy["statusCode"], headers, proxy["body"])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    settings = SimpleNamespace(
        cookie_name="token", allowed_origins=(ORIGIN, "https://other.example.com"), jwt_leeway_seconds=0
    )
    made = World(InMemoryJobRepository(), RecordingQueue(), Secret(), settings, io.StringIO())
    monkeypatch.setattr(bootstrap, "api_settings", lambda: settings)
    monkeypatch.setattr(bootstrap, "jwt_secret", made.secret)
    monkeypatch.setattr(bootstrap, "job_repository", lambda: made.jobs)
    monkeypatch.setattr(bootstrap, "job_queue", lambda: made.queue)
    monkeypatch.setattr(bootstrap, "clock", lambda: VirtualClock(NOW))
    store = InMemoryVideoStore()
    monkeypatch.setattr(bootstrap, "video_store", lambda: store)
    monkeypatch.setattr(logger.registered_handler, "stream", made.log)
    return made
