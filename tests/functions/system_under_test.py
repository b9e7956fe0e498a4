"""The API's functions with in-memory adapters, and calls as API Gateway makes them."""

import io
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from functions.callbacks import app as callbacks_app
from functions.generate import app as generate_app
from functions.jobs import app as jobs_app
from functions.realtime import app as realtime_app
from functions.status import app as status_app
from tests.builders import a_job
from tests.fakes.batches import InMemoryBatchRepository
from tests.fakes.callbacks import SigningVerifier
from tests.fakes.clock import VirtualClock
from tests.fakes.connections import InMemoryTicketRepository
from tests.fakes.erasures import InMemoryErasureRepository
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.queue import RecordingQueue
from tests.fakes.rates import InMemoryRateLimiter
from tests.fakes.slots import InMemorySlotRepository
from tests.fakes.store import InMemoryVideoStore
from tests.fakes.submissions import InMemorySubmissionRepository
from tests.fakes.timings import InMemoryTimingRepository
from videojobs import bootstrap
from videojobs.adapters.offers import find_offer
from videojobs.adapters.reads import LocalFirstReadLimiter
from videojobs.domain.job import LIVE_STATUSES, Batch, JobId, JobStatus, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Style
from videojobs.ports.callbacks import CALLBACK_PROVIDERS
from videojobs.ports.videos import Offers
from videojobs_providers import factories

NOW = datetime(2026, 1, 8, 10, 0, 0, 123_000, tzinfo=UTC)
ORIGIN = "https://app.example.com"
SECRET = "correct-horse-battery-staple-0123456789"
USER = UserId("507f191e810c19729de860ea")
ANOTHER_USER = UserId("507f191e810c19729de860eb")
ROUTES = (
    ("POST", "/api/videos/generate", generate_app.handler),
    ("POST", "/api/videos/batch", generate_app.handler),
    ("POST", "/api/videos/estimate", generate_app.handler),
    ("GET", "/api/videos/options", generate_app.handler),
    ("GET", "/api/videos", jobs_app.handler),
    ("DELETE", "/api/users/me/videos", jobs_app.handler),
    ("GET", "/api/batches/{batchId}", jobs_app.handler),
    ("POST", "/api/videos/{jobId}/cancel", jobs_app.handler),
    ("POST", "/api/videos/{jobId}/retry", jobs_app.handler),
    ("GET", "/api/videos/{jobId}/content", jobs_app.handler),
    ("GET", "/api/videos/{jobId}", status_app.handler),
    ("DELETE", "/api/videos/{jobId}", jobs_app.handler),
    ("POST", "/api/realtime/ticket", realtime_app.handler),
)
"""The routes for users, as API Gateway selects them: the first match counts."""
OPEN_ROUTES = (("POST", "/api/providers/{provider}/callback", callbacks_app.handler),)
"""The routes that need no session."""


def an_api() -> SimpleNamespace:
    """Return settings of the API with high limits."""
    return SimpleNamespace(
        cookie_name="token",
        allowed_origins=(ORIGIN, "https://other.example.com"),
        jwt_leeway_seconds=0,
        jwt_issuer="",
        jwt_audience=(),
        accept_short_jwt_secret=False,
        user_claim="userId",
        priority_claim="priority",
        generate_calls_per_minute=1000,
        read_calls_per_minute=1000,
    )


@dataclass
class Secret:
    """The signing key, with the number of refreshes."""

    current: str = SECRET
    cached: str = SECRET
    refreshed: int = 0

    def __call__(self, *, refresh: bool = False) -> str:
        if refresh:
            self.refreshed += 1
            self.cached = self.current
        return self.cached


@dataclass
class Response:
    """A proxy response as a browser reads it."""

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
class SystemUnderTest:
    """The API's functions with in-memory adapters."""

    clock: VirtualClock
    settings: SimpleNamespace
    jobs: InMemoryJobRepository = field(init=False)
    batches: InMemoryBatchRepository = field(init=False)
    slots: InMemorySlotRepository = field(default_factory=InMemorySlotRepository)
    rates: InMemoryRateLimiter = field(init=False)
    reads: LocalFirstReadLimiter = field(init=False)
    timings: InMemoryTimingRepository = field(default_factory=InMemoryTimingRepository)
    erasures: InMemoryErasureRepository = field(default_factory=InMemoryErasureRepository)
    submissions: InMemorySubmissionRepository = field(default_factory=InMemorySubmissionRepository)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    tickets: InMemoryTicketRepository = field(default_factory=InMemoryTicketRepository)
    store: InMemoryVideoStore = field(default_factory=lambda: InMemoryVideoStore("videos"))
    secret: Secret = field(default_factory=Secret)
    verifier: SigningVerifier = field(default_factory=SigningVerifier)
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.clear_database()

    def clear_database(self) -> None:
        """Start with an empty database."""
        self.jobs = InMemoryJobRepository(clock=self.clock)
        self.batches = InMemoryBatchRepository(self.jobs, clock=self.clock)
        self.slots = InMemorySlotRepository()
        self.rates = InMemoryRateLimiter()
        self.reads = LocalFirstReadLimiter(self.rates)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the functions use this system's adapters. A later change of a field takes effect."""
        replaced: dict[str, Callable[..., object]] = {
            "api_settings": lambda: self.settings,
            "allowed_providers": lambda: ("sketch", "fal"),
            "offers": lambda: Offers(("sketch",), lambda name: find_offer(name, {})),
            "jwt_secret": self.secret,
            "step_policy": StepPolicy,
            "clock": lambda: self.clock,
            "job_repository": lambda: self.jobs,
            "batch_repository": lambda: self.batches,
            "slot_repository": lambda: self.slots,
            "rate_limiter": lambda: self.rates,
            "read_limiter": lambda: self.reads,
            "timing_repository": lambda: self.timings,
            "submission_repository": lambda: self.submissions,
            "erasure_repository": lambda: self.erasures,
            "job_queue": lambda: self.queue,
            "notifier": lambda: self.notifier,
            "ticket_repository": lambda: self.tickets,
            "video_store": lambda: self.store,
        }
        for name, factory in replaced.items():
            monkeypatch.setattr(bootstrap, name, factory)
        verifiers = lambda name: self.verifier if name in CALLBACK_PROVIDERS else None  # noqa: E731
        monkeypatch.setattr(factories, "callback_verifier", verifiers)

    def put(self, **fields: Any) -> VideoJob:
        """Store a job of the user, with the changed fields, and return it."""
        own = {"id": JobId("665f1f77bcf86cd799439011"), "user_id": USER, "prompt": "A paper boat", "style": Style.CALM}
        return self.jobs.put(a_job(**own | {"created_at": NOW, "updated_at": NOW} | fields))

    def shut_down(self) -> None:
        """Make MongoDB unavailable."""
        for repository in (
            self.jobs,
            self.batches,
            self.slots,
            self.rates,
            self.timings,
            self.erasures,
            self.submissions,
        ):
            repository.available = False

    def token(self, **claims: Any) -> str:
        return jwt.encode({"userId": USER, "exp": int(time.time()) + 3600} | claims, SECRET, algorithm="HS256")

    def sign_in(self, user_id: UserId = USER, **claims: Any) -> dict[str, str]:
        """Return the headers with the session cookie of a user."""
        return {"Cookie": f"token={self.token(userId=user_id, **claims)}"}

    def event(
        self,
        method: str,
        path: str,
        /,
        body: str | None = None,
        query: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> dict[str, Any]:
        headers = self.sign_in()
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers |= overrides.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        values = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
        event = {
            "httpMethod": method,
            "resource": find_route(method, path)[0],
            "path": path,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: value[-1] for name, value in values.items()} or None,
            "multiValueQueryStringParameters": values or None,
            "pathParameters": None,
            "requestContext": {"requestId": "request-1", "stage": "local", "path": f"/local{path}"},
            "body": body,
            "isBase64Encoded": False,
        }
        return event | overrides

    def call(self, method: str, path: str, /, body: Any = None, **overrides: Any) -> Response:
        """Call the function that the route leads to."""
        text = body if isinstance(body, str | None) else json.dumps(body)
        return call(find_route(method, path)[1], self.event(method, path, text, **overrides))

    def post(self, body: Any, **overrides: Any) -> Response:
        return self.call("POST", "/api/videos/generate", body, **overrides)

    def post_batch(self, body: Any, **overrides: Any) -> Response:
        return self.call("POST", "/api/videos/batch", body, **overrides)

    def get(self, job_id: str, **overrides: Any) -> Response:
        return self.invoke(self.event("GET", f"/api/videos/{job_id}", **overrides))

    def list(self, headers: Mapping[str, Any] | None = None, **query: Any) -> Response:
        return self.call("GET", "/api/videos", query=query, headers=dict(headers or {}))

    def call_back(self, body: bytes | str, /, provider: str = "replicate", **overrides: Any) -> Response:
        """Send a provider's callback, signed unless other headers are given."""
        text = body if isinstance(body, str) else body.decode()
        signed = self.verifier.sign(text, self.clock.now()) | {"Cookie": None}
        headers = signed | overrides.pop("headers", {})
        return self.call("POST", f"/api/providers/{provider}/callback", text, headers=headers, **overrides)

    def invoke(self, event: dict[str, Any]) -> Response:
        """Call the `status` function with the event."""
        return call(status_app.handler, event)

    def invoke_generate(self, event: dict[str, Any]) -> Response:
        """Call the `generate` function with the event."""
        return call(generate_app.handler, event)

    def invoke_jobs(self, event: dict[str, Any]) -> Response:
        """Call the `jobs` function with the event."""
        return call(jobs_app.handler, event)


def a_batch(sut: SystemUnderTest, user_id: UserId = USER, *statuses: JobStatus) -> Batch:
    """Store a batch of the user with one job per status, and return it."""
    batch_id, now = sut.batches.new_id(), sut.clock.now()
    steps = {status: a_job().next if status in LIVE_STATUSES else None for status in statuses}
    fields = {"user_id": user_id, "batch_id": batch_id, "created_at": now, "updated_at": now}
    jobs = [a_job(status=status, next=steps[status], **fields) for status in statuses]
    ids = tuple(job.id for job in jobs) or (JobId("0" * 24),)
    batch = Batch(batch_id, user_id, ids, now, now + timedelta(days=60))
    sut.batches.add(batch, jobs)
    return batch


def find_route(method: str, path: str) -> tuple[str, Any]:
    """Return the resource and the handler that API Gateway selects."""
    for routed, resource, handler in (*ROUTES, *OPEN_ROUTES):
        if routed == method and re.fullmatch(re.sub(r"{\w+}", "[^/]*", resource), path):
            return resource, handler
    raise LookupError(f"{method} {path} is not routed")


def lambda_context(remaining_ms: Callable[[], int] = lambda: 10_000) -> Any:
    """Return Lambda's context. `remaining_ms` returns the milliseconds until the function's timeout."""
    return SimpleNamespace(
        aws_request_id="lambda-1",
        function_name="f",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:f",
        get_remaining_time_in_millis=remaining_ms,
    )


def call(handler: Any, event: dict[str, Any], context: Any = None) -> Response:
    proxy = handler(event, context or lambda_context())
    # Lambda writes the response as JSON in UTF-8; a response that cannot be encoded becomes a 502.
    proxy = json.loads(json.dumps(proxy, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    assert set(proxy) == {"statusCode", "body", "isBase64Encoded", "multiValueHeaders"}
    assert all(len(values) == 1 for values in proxy["multiValueHeaders"].values())
    headers = {name.lower(): values[0] for name, values in proxy["multiValueHeaders"].items()}
    return Response(proxy["statusCode"], headers, proxy["body"])
