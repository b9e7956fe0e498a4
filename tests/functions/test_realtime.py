"""The functions behind live updates: `realtime` for connections, `notifier` for changes."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from functions.notifier import app as notifier_app
from functions.realtime import app as realtime_app
from tests.builders import ANOTHER_USER
from tests.fakes.broadcaster import RecordingBroadcaster
from tests.fakes.connections import InMemoryConnectionRepository, InMemoryTicketRepository
from tests.fakes.webhooks import RecordingWebhookQueue
from tests.faulty_aws import Response as FaultyResponse
from tests.faulty_aws import faulty_aws
from tests.functions.system_under_test import NOW, ORIGIN, USER, Response, SystemUnderTest, call, lambda_context
from videojobs import bootstrap
from videojobs.adapters.aws_clients import LightApiGatewayClient
from videojobs.adapters.websocket import ApiGatewayBroadcaster
from videojobs.api.rates import live_limit
from videojobs.api.realtime import SocketEvent
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.realtime import REFUSED_MESSAGES, ConnectionId
from videojobs.domain.storage import StoredObject
from videojobs.domain.webhook import WebhookDelivery, name_endpoint
from videojobs.observability import logger

ENDPOINT = name_endpoint("https://backend.example.com/hook")
TAB = ConnectionId("L0SM9cOFvHcCIhw=")
DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = {
    kind: jsonschema.Draft202012Validator(
        DOCUMENT["components"]["messages"][name]["payload"] | {"components": DOCUMENT["components"]},
        format_checker=jsonschema.FormatChecker(),
    )
    for kind, name in {"job.updated": "jobUpdated", "pong": "pong", "error": "error"}.items()
}
CONTEXT = lambda_context()


@dataclass
class Live:
    """The realtime and notifier functions with in-memory adapters."""

    sut: SystemUnderTest
    connections: InMemoryConnectionRepository = field(default_factory=InMemoryConnectionRepository)
    tickets: InMemoryTicketRepository = field(default_factory=InMemoryTicketRepository)
    broadcaster: RecordingBroadcaster = field(default_factory=RecordingBroadcaster)
    webhooks: RecordingWebhookQueue = field(default_factory=lambda: RecordingWebhookQueue(endpoints=[ENDPOINT]))

    def event(self, kind: str, connection_id: str = TAB, **members: Any) -> dict[str, Any]:
        """Return an event of API Gateway's WebSocket API."""
        routes = {"CONNECT": "$connect", "DISCONNECT": "$disconnect", "MESSAGE": "$default"}
        context = {"connectionId": connection_id, "eventType": kind, "routeKey": routes[kind], "requestId": "request-1"}
        return {"requestContext": context, "isBase64Encoded": False} | members

    def handshake(self, connection_id: ConnectionId = TAB, *, ticket: str | None = None, **headers: str | None) -> int:
        """Return the status of a handshake, with the session cookie unless the headers replace it."""
        all_headers = {"Cookie": f"token={self.sut.token()}", "Host": "live.example.com"} | headers
        given = {name: value for name, value in all_headers.items() if value is not None}
        members = {"headers": given, "multiValueHeaders": {name: [value] for name, value in given.items()}}
        query = None if ticket is None else {"ticket": ticket}
        event = self.event("CONNECT", connection_id, queryStringParameters=query, **members)
        status = self.invoke(event)
        if status == 200:
            self.broadcaster.open(connection_id)
        return status

    def send_message(self, message: object, connection_id: ConnectionId = TAB) -> list[Any]:
        """Send a message and return the messages that the client receives."""
        body = message if isinstance(message, str) or message is None else json.dumps(message)
        count = len(self.broadcaster.sent.get(connection_id, []))
        statuses = {200, 400, 401, 403, 404, 413, 429, 500, 503}
        assert self.invoke(self.event("MESSAGE", connection_id, body=body)) in statuses
        return self.received(connection_id)[count:]

    def invoke(self, event: dict[str, Any]) -> int:
        """Call the function and return the status, which is its whole response."""
        response = realtime_app.handler(event, CONTEXT)
        assert set(response) == {"statusCode"}
        return int(response["statusCode"])

    def received(self, connection_id: ConnectionId = TAB) -> list[Any]:
        """Return the messages that the client received, after validating them against the AsyncAPI document."""
        messages = [json.loads(json.dumps(message)) for message in self.broadcaster.sent.get(connection_id, [])]
        for message in messages:
            SCHEMAS[message["type"]].validate(message)
        return messages

    def ticket(self, **overrides: Any) -> Response:
        """Call the route that creates a ticket."""
        return self.sut.call("POST", "/api/realtime/ticket", **overrides)

    def notify(self, *events: object) -> list[str]:
        """Send events to the notifier, and return the IDs of the messages that failed."""
        records = [
            {"messageId": f"m-{number}", "body": event if isinstance(event, str) else json.dumps(event)}
            for number, event in enumerate(events)
        ]
        response = notifier_app.handler({"Records": records}, CONTEXT)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


@pytest.fixture
def live(sut: SystemUnderTest, monkeypatch: pytest.MonkeyPatch) -> Live:
    functions = Live(sut)
    monkeypatch.setattr(bootstrap, "connection_repository", lambda: functions.connections)
    monkeypatch.setattr(bootstrap, "ticket_repository", lambda: functions.tickets)
    monkeypatch.setattr(bootstrap, "broadcaster", lambda: functions.broadcaster)
    monkeypatch.setattr(bootstrap, "webhook_queue", lambda: functions.webhooks)
    monkeypatch.setattr(bootstrap, "maximum_connections", lambda: 2)
    return functions


def an_event(job: VideoJob, **changes: object) -> dict[str, object]:
    """Return the event of a change, as the outbox announces it."""
    return {"id": "event-1", "jobId": job.id, "version": job.version, "at": "2026-01-08T10:00:00.123Z"} | changes


@pytest.mark.parametrize("origin", [None, ORIGIN, "https://other.example.com"])
def test_the_session_cookie_opens_a_connection(live: Live, origin: str | None) -> None:
    assert live.handshake(Origin=origin) == 200
    stored = live.connections.find(TAB)
    assert stored is not None
    assert stored.user_id == USER


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "", f"{ORIGIN}.evil.example.com"])
@pytest.mark.parametrize("with_ticket", [False, True])
def test_a_handshake_from_a_foreign_page_is_refused_with_any_credentials(
    live: Live, origin: str, *, with_ticket: bool
) -> None:
    ticket = live.ticket().json["data"]["ticket"] if with_ticket else None
    assert live.handshake(ticket=ticket, Origin=origin) == 403
    assert live.connections.find(TAB) is None


@pytest.mark.parametrize("cookie", [None, "", "token=", "token=garbage", "other=1", "token=a; token=b"], ids=repr)
def test_a_handshake_without_a_session_is_refused(live: Live, cookie: str | None) -> None:
    assert live.handshake(Cookie=cookie) == 401
    assert live.connections.find(TAB) is None


def test_a_handshake_with_an_expired_session_is_refused(live: Live) -> None:
    assert live.handshake(Cookie=f"token={live.sut.token(exp=int(time.time()) - 1)}") == 401


def test_a_token_in_a_header_or_the_query_does_not_authenticate(live: Live) -> None:
    token = live.sut.token()
    assert live.handshake(Cookie=None, Authorization=f"Bearer {token}") == 401
    assert live.handshake(Cookie=None, ticket=token) == 401


def test_a_ticket_opens_one_connection_without_a_cookie(live: Live) -> None:
    response = live.ticket()
    assert response.status == 201
    assert response.json["data"]["expiresAt"] == "2026-01-08T10:00:30.123Z"
    assert response.headers["cache-control"] == "no-store"
    ticket = response.json["data"]["ticket"]
    assert live.handshake(ticket=ticket, Cookie=None) == 200
    assert live.handshake(ConnectionId("again"), ticket=ticket, Cookie=None) == 401


def test_a_valid_cookie_does_not_replace_an_invalid_ticket(live: Live) -> None:
    assert live.handshake(ticket="") == 401
    assert live.handshake(ticket="made-up") == 401


def test_a_ticket_needs_a_session_of_the_same_site(live: Live) -> None:
    assert live.ticket(headers={"Cookie": None}).code == "TOKEN_MISSING"
    assert live.ticket(headers={"Origin": "https://evil.example.com"}).code == "FORBIDDEN"


def test_the_preflight_of_the_ticket_route_allows_the_origin(live: Live) -> None:
    event = live.sut.event("POST", "/api/realtime/ticket", headers={"Origin": ORIGIN}) | {"httpMethod": "OPTIONS"}
    response = call(realtime_app.handler, event)
    assert (response.status, response.headers["access-control-allow-origin"]) == (204, ORIGIN)


def test_a_connection_over_the_limit_is_refused(live: Live) -> None:
    assert [live.handshake(ConnectionId(name)) for name in "abc"] == [200, 200, 429]


@pytest.mark.parametrize("part", ["connections", "tickets"])
def test_a_handshake_returns_503_while_the_database_is_unavailable(live: Live, part: str) -> None:
    getattr(live, part).available = False
    assert live.handshake(ticket="any" if part == "tickets" else None) == 503


def test_an_internal_error_in_a_handshake_returns_500(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "connection_repository", lambda: 1 / 0)
    assert live.handshake() == 500


NOT_COUNTED = {SocketEvent.DISCONNECT}
"""A disconnect follows a counted handshake, and deletes one document."""


@pytest.mark.parametrize("kind", SocketEvent)
def test_every_event_of_a_user_is_counted(live: Live, kind: SocketEvent) -> None:
    live.handshake()
    cookie = {"Cookie": f"token={live.sut.token()}"}
    live.invoke(live.event(kind, ConnectionId("another") if kind is SocketEvent.CONNECT else TAB, headers=cookie))
    allowance = live.sut.rates.count(USER, live_limit(live.sut.settings), NOW)
    assert 999 - allowance.remaining == 1 + (kind not in NOT_COUNTED)


@pytest.mark.parametrize("with_ticket", [False, True])
def test_a_handshake_over_the_limit_is_refused_until_the_window_has_passed(live: Live, *, with_ticket: bool) -> None:
    live.sut.settings.read_calls_per_minute = 1
    assert live.handshake() == 200
    ticket = live.ticket().json["data"]["ticket"] if with_ticket else None
    assert live.handshake(ConnectionId("second"), ticket=ticket) == 429
    assert live.connections.find(ConnectionId("second")) is None
    live.sut.clock.advance(seconds=60)
    assert live.handshake(ConnectionId("third")) == 200


def test_a_handshake_without_a_session_is_not_counted(live: Live) -> None:
    live.sut.settings.read_calls_per_minute = 1
    assert [live.handshake(Cookie=None), live.handshake(ticket="made-up"), live.handshake(Origin="null")] == [
        401,
        401,
        403,
    ]
    assert live.handshake() == 200


def test_a_flood_of_messages_is_refused_and_ends_the_connection(live: Live) -> None:
    live.sut.settings.read_calls_per_minute = 20
    live.sut.put()
    live.handshake()
    sent = [message for _ in range(200) for message in live.send_message({"action": "subscribe"})]
    received = [message.get("code", message["type"]) for message in sent]
    assert received == ["job.updated"] + ["RATE_LIMITED"] * (18 + REFUSED_MESSAGES.calls)
    assert live.connections.find(TAB) is None
    assert live.handshake() == 429


def test_an_invalid_message_is_counted_and_not_parsed_over_the_limit(live: Live) -> None:
    live.sut.settings.read_calls_per_minute = 2
    live.handshake()
    codes = [live.send_message("nonsense")[0]["code"] for _ in range(2)]
    assert codes == ["VALIDATION_ERROR", "RATE_LIMITED"]


def test_live_events_and_requests_are_limited_separately(live: Live) -> None:
    live.sut.settings.read_calls_per_minute = 1
    live.handshake()
    assert live.send_message({"action": "ping"})[0]["code"] == "RATE_LIMITED"
    assert live.sut.list().status == 200


@pytest.mark.parametrize("step", ["handshake", "message"])
def test_an_unavailable_rate_limiter_refuses_handshakes_and_messages(live: Live, step: str) -> None:
    if step == "message":
        live.handshake()
    live.sut.rates.available = False
    if step == "handshake":
        assert live.handshake() == 503
    else:
        assert live.send_message({"action": "ping"})[0]["code"] == "UNAVAILABLE"


def test_a_closed_connection_is_removed(live: Live) -> None:
    live.handshake()
    assert live.invoke(live.event("DISCONNECT")) == 200
    assert live.connections.find(TAB) is None


def test_a_byte_order_mark_before_a_message_is_dropped(live: Live) -> None:
    live.handshake()
    assert live.send_message('\ufeff{"action": "ping"}') == [{"type": "pong"}]


def test_a_ping_is_answered_with_a_pong(live: Live) -> None:
    live.handshake()
    assert live.send_message({"action": "ping"}) == [{"type": "pong"}]


def test_a_snapshot_contains_each_job_as_get_returns_it(live: Live) -> None:
    job = live.sut.put(version=3, progress=0.25, status=JobStatus.PROCESSING, started_at=NOW)
    live.sut.timings.record(timing_kind(job), 30)
    live.handshake()
    [update] = live.send_message({"action": "subscribe"})
    response = live.sut.get("665f1f77bcf86cd799439011")
    assert update == {
        "type": "job.updated",
        "id": "snapshot-665f1f77bcf86cd799439011-3",
        "jobId": "665f1f77bcf86cd799439011",
        "version": 3,
        "data": response.json["data"],
    }
    assert update["data"]["estimatedSecondsLeft"] == 30


def test_a_queued_job_has_no_position_in_a_message(live: Live) -> None:
    job = live.sut.put()
    live.handshake()
    [update] = live.send_message({"action": "subscribe"})
    shown = live.sut.get(job.id).json["data"]
    assert shown["queuePosition"] == 1
    assert update["data"] == shown | {"queuePosition": None}


def test_a_change_contains_the_remaining_time(live: Live) -> None:
    job = live.sut.put(status=JobStatus.PROCESSING, started_at=NOW)
    live.sut.timings.record(timing_kind(job), 30)
    live.handshake()
    live.send_message({"action": "subscribe"})
    live.sut.clock.advance(seconds=22)
    live.notify(an_event(job))
    assert [update["data"]["estimatedSecondsLeft"] for update in live.received()] == [30, 8]


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.COMPLETED])
def test_a_message_about_another_job_reads_no_timings(live: Live, status: JobStatus) -> None:
    job = live.sut.put(status=status)
    live.sut.timings.available = False
    live.handshake()
    live.send_message({"action": "subscribe"})
    assert live.notify(an_event(job)) == []
    assert [update["type"] for update in live.received()] == ["job.updated", "job.updated"]


def test_a_completed_job_contains_presigned_urls(live: Live) -> None:
    poster = StoredObject("videos", "videos/a.jpg", 5)
    live.sut.put(status=JobStatus.COMPLETED, next=None, video_url="s3://videos/videos/a.mp4", poster=poster)
    live.handshake()
    [update] = live.send_message({"action": "subscribe"})
    assert update["data"]["videoUrl"].startswith("https://presigned.test/")
    assert update["data"]["posterUrl"].startswith("https://presigned.test/")


def test_a_subscription_to_the_job_of_another_user_is_refused_and_the_connection_kept(live: Live) -> None:
    foreign_job = live.sut.put(user_id=ANOTHER_USER)
    live.handshake()
    [refusal] = live.send_message({"action": "subscribe", "jobId": foreign_job.id})
    assert refusal == {
        "type": "error",
        "code": "FORBIDDEN",
        "message": "This video job belongs to another user. Use the ID of one of your own jobs.",
    }
    assert live.send_message({"action": "ping"}) == [{"type": "pong"}]
    assert live.send_message({"action": "subscribe"}) == []


def test_a_subscription_to_an_unknown_job_is_refused(live: Live) -> None:
    live.handshake()
    assert [error["code"] for error in live.send_message({"action": "subscribe", "jobId": "0" * 24})] == ["NOT_FOUND"]


INVALID_MESSAGES = {
    "empty": "",
    "no body": None,
    "not JSON": "{",
    "not an object": "[]",
    "no action": {},
    "unknown action": {"action": "shout"},
    "action in a list": {"action": ["subscribe"]},
    "misspelt field": {"action": "subscribe", "jobID": "0" * 24},
    "ping with a job ID": {"action": "ping", "jobId": "0" * 24},
    "operator as a job ID": {"action": "subscribe", "jobId": {"$ne": None}},
    "null": {"action": "subscribe", "jobId": None},
    "twice": '{"action": "subscribe", "action": "ping"}',
    "NaN": '{"action": NaN}',
    "depth": "[" * 1000,
    "half a character": '{"action": "\\ud800"}',
    "a half in a name": '{"action": "ping", "\\ud800": 1}',
}


@pytest.mark.parametrize("nonsense", INVALID_MESSAGES.values(), ids=INVALID_MESSAGES.keys())
def test_an_invalid_message_is_refused_without_data_and_the_connection_kept(live: Live, nonsense: object) -> None:
    live.sut.put()
    live.handshake()
    [refusal] = live.send_message(nonsense)
    assert set(refusal) == {"type", "code", "message"}
    assert (refusal["type"], refusal["code"]) == ("error", "VALIDATION_ERROR")
    assert refusal["message"]
    json.dumps(refusal, ensure_ascii=False).encode()
    assert live.send_message({"action": "ping"}) == [{"type": "pong"}]


def test_a_message_that_is_too_long_is_not_parsed(live: Live) -> None:
    live.handshake()
    [refusal] = live.send_message({"action": "ping" + " " * 2000})
    assert refusal["code"] == "TOO_LARGE"


def test_a_message_cannot_be_taken_for_a_handshake(live: Live) -> None:
    live.handshake()
    event = live.event("MESSAGE", body='{"action": "$connect"}')
    event["requestContext"]["routeKey"] = "$connect"
    live.invoke(event)
    assert live.received()[-1]["code"] == "VALIDATION_ERROR"


def test_an_unknown_connection_is_closed(live: Live) -> None:
    live.broadcaster.open(TAB)
    assert live.send_message({"action": "subscribe"}) == []
    assert live.broadcaster.closed == [TAB]


def test_the_client_receives_an_error_while_the_database_is_unavailable(live: Live) -> None:
    live.handshake()
    live.sut.jobs.available = False
    assert [error["code"] for error in live.send_message({"action": "subscribe"})] == ["UNAVAILABLE"]


def test_an_internal_error_reveals_nothing_to_the_client(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.handshake()
    monkeypatch.setattr(bootstrap, "job_repository", lambda: 1 / 0)
    [error] = live.send_message({"action": "subscribe"})
    assert (error["code"], "division" in error["message"]) == ("INTERNAL_ERROR", False)


def test_a_client_that_cannot_be_reached_causes_no_error(live: Live) -> None:
    live.handshake()
    live.broadcaster.available = False
    assert live.send_message("nonsense") == []
    assert live.send_message({"action": "ping"}) == []


def test_a_change_is_sent_to_connections_and_webhooks_under_its_id(live: Live) -> None:
    job = live.sut.put(version=2)
    live.handshake()
    live.send_message({"action": "subscribe"})
    assert live.notify(an_event(job)) == []
    update = live.received()[-1]
    assert (update["type"], update["id"], update["jobId"], update["version"]) == ("job.updated", "event-1", job.id, 2)
    assert [delivery for delivery, _ in live.webhooks.sent] == [WebhookDelivery(ENDPOINT, "event-1", job.id)]


def test_a_user_never_receives_the_job_of_another_user(live: Live) -> None:
    live.handshake()
    live.send_message({"action": "subscribe"})
    foreign_job = live.sut.put(user_id=ANOTHER_USER)
    assert live.notify(an_event(foreign_job)) == []
    assert live.received() == []


@pytest.mark.parametrize(
    "poison",
    ["", "{", "[]", "{}", '{"id": "event-1"}', '{"id": "event-1", "jobId": "x"}', '{"jobId": "' + "0" * 24 + '"}'],
)
def test_an_invalid_event_fails_alone(live: Live, poison: str) -> None:
    job = live.sut.put()
    assert live.notify(poison, an_event(job)) == ["m-0"]


def test_an_event_of_a_deleted_job_succeeds_without_an_effect(live: Live) -> None:
    job = live.sut.put()
    live.sut.clear_database()
    assert live.notify(an_event(job)) == []


def test_an_event_that_cannot_be_sent_is_retried(live: Live) -> None:
    job = live.sut.put()
    live.handshake()
    live.send_message({"action": "subscribe"})
    live.broadcaster.available = False
    assert live.notify(an_event(job)) == ["m-0"]


def test_an_event_whose_pushes_reach_the_time_limit_is_delivered_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = live.sut.put()
    live.handshake()
    live.send_message({"action": "subscribe", "jobId": job.id})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    moments = iter([5000, 5000])  # one request, and the pause after it, when one second is kept for the response
    context = lambda_context(lambda: next(moments, 1000))
    with faulty_aws(FaultyResponse(503)) as aws:
        client = LightApiGatewayClient(aws.url, region="us-east-1", sleep=lambda _seconds: None)
        monkeypatch.setattr(bootstrap, "broadcaster", lambda: ApiGatewayBroadcaster(client))
        records = [{"messageId": "m-0", "body": json.dumps(an_event(job))}]
        response = notifier_app.handler({"Records": records}, context)
    assert response["batchItemFailures"] == [{"itemIdentifier": "m-0"}]
    assert len(aws.requests) == 1
    assert live.connections.find(TAB) is not None


def test_secrets_and_prompts_are_not_logged(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    job = live.sut.put(prompt="A secret boat")
    ticket = live.ticket().json["data"]["ticket"]
    token = live.sut.token()
    live.handshake(Cookie=f"token={token}")
    live.handshake(ConnectionId("second"), ticket=ticket, Cookie=None)
    live.handshake(ConnectionId("third"), ticket="a-wrong-one", Cookie=None)
    live.send_message({"action": "subscribe"})
    live.send_message('{"nonsense": "A secret boat"}')
    live.notify(an_event(job))
    logged = live.sut.log.getvalue() + caplog.text
    assert "WebSocket event handled" in logged
    assert [
        secret for secret in (ticket, token, "secret boat", "a-wrong-one", "presigned.test") if secret in logged
    ] == []


HEAVY = ["aws_lambda_powertools.event_handler", "boto3", "botocore.auth", "botocore.session", "pydantic"]


@pytest.mark.parametrize("name", ["notifier", "realtime"])
def test_a_cold_start_imports_no_module_that_few_calls_need(name: str) -> None:
    code = f"import sys; import functions.{name}.app; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


FACTORIES: dict[str, Callable[[], object]] = {
    "connections": bootstrap.connection_repository,
    "tickets": bootstrap.ticket_repository,
    "the way out": bootstrap.broadcaster,
    "the cap": bootstrap.maximum_connections,
}


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES.keys())
def test_every_adapter_can_be_built_from_the_settings(
    make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("MONGODB_SECRET_ARN", "JWT_SECRET_ARN", "VIDEOS_BUCKET"):
        monkeypatch.setenv(variable, "some")
    monkeypatch.setenv("WEBSOCKET_API_URL", "https://live.example.com")
    assert make() is not None
