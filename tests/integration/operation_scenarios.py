"""Requests in their states, whose operations on MongoDB are counted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from tests.builders import a_job, a_started_job, a_step, a_waiting_job
from tests.functions.test_realtime import TAB
from tests.integration.counted_functions import ACTIVE, ENDED, OWN, WAITING, Call, Counted
from videojobs.domain.job import JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.rate import MAXIMUM_UNCOUNTED_CALLS

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
KEY = {"headers": {"Idempotency-Key": "the first"}}
FAILED = {"status": JobStatus.FAILED, "next": None, "outbox": ()}


class Scenario(NamedTuple):
    """A request in a state. `prepare` stores the state and returns the call; `status` is that of its response."""

    request: str
    state: str
    status: int
    prepare: Callable[[Counted], Call]


def _status(make: Callable[[], VideoJob], **overrides: Any) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        job = counted.put(make())
        return lambda: counted.sut.get(job.id, **overrides)

    return prepare


def _often(counted: Counted) -> Call:
    job = counted.put(a_job(**OWN | ENDED))
    for _ in range(MAXIMUM_UNCOUNTED_CALLS):
        counted.sut.get(job.id)
    return lambda: counted.sut.get(job.id)


def _generate(
    jobs: int = 0, *, first: bool = False, calls: int = 1000, refused: bool = False, **overrides: Any
) -> Callable[[Counted], Call]:
    """Prepare a POST of a user with so many jobs; `first` and `refused` post the request once before."""

    def prepare(counted: Counted) -> Call:
        if first:
            counted.sut.post(REQUEST, **overrides)
        for _ in range(jobs):
            counted.sut.post(REQUEST)
        counted.sut.settings.generate_calls_per_minute = calls
        if refused:
            counted.sut.post(REQUEST, **overrides)
        return lambda: counted.sut.post(REQUEST, **overrides)

    return prepare


def _paused(counted: Counted) -> Call:
    counted.sut.submissions.pause(counted.sut.clock.now(), reason="", retry_after_seconds=60)
    return lambda: counted.sut.post(REQUEST)


def _batch(*, first: bool = False, **overrides: Any) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        body = {"items": [REQUEST, REQUEST]}
        if first:
            counted.sut.post_batch(body, **overrides)
        return lambda: counted.sut.post_batch(body, **overrides)

    return prepare


def _list(jobs: int, *, later: bool = False, **query: str) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        counted.put_ended(jobs)
        cursor = {"cursor": counted.sut.list(**query).json["data"]["nextCursor"]} if later else {}
        return lambda: counted.sut.list(**query, **cursor)

    return prepare


def _hidden(counted: Counted) -> Call:
    now = counted.sut.clock.now()
    for _ in range(5):
        counted.put(a_job(**OWN | ENDED, created_at=now, deleted_at=now))
    counted.put_ended(30)
    return counted.sut.list


def _on_job(method: str, action: str, make: Callable[[], VideoJob]) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        job = counted.put(make())
        return lambda: counted.sut.call(method, f"/api/videos/{job.id}{action}")

    return prepare


def _call(method: str, path: str, body: Any = None) -> Callable[[Counted], Call]:
    return lambda counted: lambda: counted.sut.call(method, path, body)


def _count_batch(counted: Counted) -> Call:
    batch_id = counted.sut.post_batch({"items": [REQUEST, REQUEST]}).json["data"]["batchId"]
    return lambda: counted.sut.call("GET", f"/api/batches/{batch_id}")


def _erase(counted: Counted) -> Call:
    counted.put_ended(2)
    return lambda: counted.sut.call("DELETE", "/api/users/me/videos")


def _callback(counted: Counted) -> Call:
    now = counted.sut.clock.now()
    poll = a_step(Step.POLL, due_at=now + timedelta(minutes=1))
    job = counted.put(a_started_job(**OWN, provider=ProviderTask("replicate", now, "task-1"), next=poll))
    return lambda: counted.sut.call_back('{"id": "task-1"}', query={"job": job.id})


def _handshake(*, with_ticket: bool) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        ticket = counted.live.ticket().json["data"]["ticket"] if with_ticket else None
        return lambda: counted.live.handshake(ticket=ticket)

    return prepare


def _message(message: dict[str, str], *, of_a_job: bool = False) -> Callable[[Counted], Call]:
    def prepare(counted: Counted) -> Call:
        job = counted.put(a_started_job(**OWN))
        counted.live.handshake()
        body = message | ({"jobId": job.id} if of_a_job else {})
        return lambda: len(counted.live.send_message(body))

    return prepare


def _disconnect(counted: Counted) -> Call:
    counted.live.handshake()
    return lambda: counted.live.invoke(counted.live.event("DISCONNECT", TAB))


def _own(make: Callable[..., VideoJob], **fields: Any) -> Callable[[], VideoJob]:
    return lambda: make(**OWN | fields)


_STATUS, _GENERATE, _BATCH, _LIST = (
    "`GET /api/videos/{jobId}`",
    "`POST /api/videos/generate`",
    "`POST /api/videos/batch`",
    "`GET /api/videos`",
)
_CANCEL = "`POST /api/videos/{jobId}/cancel`"
_HANDSHAKE, _SUBSCRIBE = "WebSocket: handshake", "WebSocket: `subscribe`"
_UNCHANGED = {"headers": {"If-None-Match": "*"}}
SCENARIOS = (
    Scenario(_STATUS, "ended", 200, _status(_own(a_job, **ENDED))),
    Scenario(_STATUS, "ended, not modified", 304, _status(_own(a_job, **ENDED), **_UNCHANGED)),
    Scenario(_STATUS, "processing", 200, _status(_own(a_started_job))),
    Scenario(_STATUS, "queued", 200, _status(_own(a_job))),
    Scenario(_STATUS, "waiting for a slot", 200, _status(_own(a_waiting_job))),
    Scenario(_STATUS, "another user's job", 403, _status(a_job)),
    Scenario(_STATUS, "after 120 reads in a minute", 200, _often),
    Scenario(_GENERATE, "new job", 201, _generate()),
    Scenario(_GENERATE, "new job, with a key", 201, _generate(**KEY)),
    Scenario(_GENERATE, "repeated key", 201, _generate(first=True, **KEY)),
    Scenario(_GENERATE, "repeated key, no job can wait", 201, _generate(ACTIVE + WAITING - 1, first=True, **KEY)),
    Scenario(_GENERATE, "new job that waits for a slot", 201, _generate(ACTIVE)),
    Scenario(_GENERATE, "refused: too many waiting", 429, _generate(ACTIVE + WAITING)),
    Scenario(_GENERATE, "refused: rate limit", 429, _generate(1, calls=1)),
    Scenario(_GENERATE, "refused again", 429, _generate(1, calls=1, refused=True)),
    Scenario(_GENERATE, "refused: paused", 503, _paused),
    Scenario(_BATCH, "two new jobs", 201, _batch()),
    Scenario(_BATCH, "repeated key", 201, _batch(first=True, **KEY)),
    Scenario(_LIST, "all jobs on one page", 200, _list(3)),
    Scenario(_LIST, "first page", 200, _list(50)),
    Scenario(_LIST, "later page", 200, _list(50, later=True)),
    Scenario(_LIST, "later page of a status", 200, _list(50, later=True, status="completed")),
    Scenario(_LIST, "first page, with deleted jobs", 200, _hidden),
    Scenario("`GET /api/batches/{batchId}`", "two jobs", 200, _count_batch),
    Scenario(_CANCEL, "queued", 200, _on_job("POST", "/cancel", _own(a_job))),
    Scenario(_CANCEL, "processing", 200, _on_job("POST", "/cancel", _own(a_started_job))),
    Scenario("`POST /api/videos/{jobId}/retry`", "failed", 200, _on_job("POST", "/retry", _own(a_job, **FAILED))),
    Scenario("`GET /api/videos/{jobId}/content`", "completed", 302, _on_job("GET", "/content", _own(a_job, **ENDED))),
    Scenario("`DELETE /api/videos/{jobId}`", "completed", 204, _on_job("DELETE", "", _own(a_job, **ENDED))),
    Scenario("`DELETE /api/users/me/videos`", "two ended jobs", 204, _erase),
    Scenario("`GET /api/videos/options`", "", 200, _call("GET", "/api/videos/options")),
    Scenario("`POST /api/videos/estimate`", "", 200, _call("POST", "/api/videos/estimate", REQUEST)),
    Scenario("`POST /api/realtime/ticket`", "", 201, lambda counted: counted.live.ticket),
    Scenario("`POST /api/providers/{provider}/callback`", "task in progress", 200, _callback),
    Scenario(_HANDSHAKE, "with the cookie", 200, _handshake(with_ticket=False)),
    Scenario(_HANDSHAKE, "with a ticket", 200, _handshake(with_ticket=True)),
    Scenario("WebSocket: `ping`", "", 1, _message({"action": "ping"})),
    Scenario(_SUBSCRIBE, "to a job", 1, _message({"action": "subscribe"}, of_a_job=True)),
    Scenario(_SUBSCRIBE, "to all jobs", 1, _message({"action": "subscribe"})),
    Scenario("WebSocket: closed", "", 200, _disconnect),
)
