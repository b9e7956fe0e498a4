"""The functions behind live updates as Lambda calls them: `realtime` for connections, `notifier` for changes."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml

from functions.notifier import app as notifier_app
from functions.realtime import app as realtime_app
from tests.builders import ANOTHER_USER, an_output
from tests.fakes.broadcaster import RecordingBroadcaster
from tests.fakes.connections import InMemoryConnectionRepository, InMemoryTicketRepository
from tests.fakes.webhooks import RecordingWebhookQueue
from tests.functions.system_under_test import ORIGIN, USER, Answer, SystemUnderTest, call
from videojobs import bootstrap
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.realtime import ConnectionId
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
CONTEXT = SimpleNamespace(
    aws_request_id="lambda-1", function_name="f", memory_limit_in_mb=256, invoked_function_arn="arn:aws:lambda:f"
)


@dataclass
class Live:
    """The world of the other functions, with live connections in it."""

    sut: SystemUnderTest
    connections: InMemoryConnectionRepository = field(default_factory=InMemoryConnectionRepository)
    tickets: InMemoryTicketRepository = field(default_factory=InMemoryTicketRepository)
    broadcaster: RecordingBroadcaster = field(default_factory=RecordingBroadcaster)
    webhooks: RecordingWebhookQueue = field(default_factory=lambda: RecordingWebhookQueue(endpoints=[ENDPOINT]))

    def event(self, kind: str, connection_id: str = TAB, **members: Any) -> dict[str, Any]:
        """As API Gateway's WebSocket API hands it over."""
        routes = {"CONNECT": "$connect", "DISCONNECT": "$disconnect", "MESSAGE": "$default"}
        context = {"connectionId": connection_id, "eventType": kind, "routeKey": routes[kind], "requestId": "request-1"}
        return {"requestContext": context, "isBase64Encoded": False} | members

    def handshake(self, connection_id: ConnectionId = TAB, *, ticket: str | None = None, **headers: str | None) -> int:
        """The status of a handshake, with the user's cookie unless a header says otherwise."""
        sent = {"Cookie": f"token={self.sut.token()}", "Host": "live.example.com"} | headers
        given = {name: value for name, value in sent.items() if value is not None}
        members = {"headers": given, "multiValueHeaders": {name: [value] for name, value in given.items()}}
        query = None if ticket is None else {"ticket": ticket}
        event = self.event("CONNECT", connection_id, queryStringParameters=query, **members)
        status = self.answer(event)
        if status == 200:
            self.broadcaster.open(connection_id)
        return status

    def say(self, message: object, connection_id: ConnectionId = TAB) -> list[Any]:
        """What a client hears when it says something."""
        body = message if isinstance(message, str) or message is None else json.dumps(message)
        heard = len(self.broadcaster.told.get(connection_id, []))
        assert self.answer(self.event("MESSAGE", connection_id, body=body)) in {200, 400, 401, 403, 404, 413, 500, 503}
        return self.heard(connection_id)[heard:]

    def answer(self, event: dict[str, Any]) -> int:
        """The function's answer, which is a status and nothing more."""
        answered = realtime_app.handler(event, CONTEXT)  # type: ignore[arg-type]
        assert set(answered) == {"statusCode"}
        return int(answered["statusCode"])

    def heard(self, connection_id: ConnectionId = TAB) -> list[Any]:
        """All that a client was told, as it reads it; it is what the document says."""
        told = [json.loads(json.dumps(message)) for message in self.broadcaster.told.get(connection_id, [])]
        for message in told:
            SCHEMAS[message["type"]].validate(message)
        return told

    def ticket(self, **overrides: Any) -> Answer:
        """A call of the REST route."""
        return self.sut.call("POST", "/api/realtime/ticket", **overrides)

    def notify(self, *events: object) -> list[str]:
        """Hand events to the notifier; the ids of the messages that are to come again."""
        records = [
            {"messageId": f"m-{number}", "body": event if isinstance(event, str) else json.dumps(event)}
            for number, event in enumerate(events)
        ]
        answered = notifier_app.handler({"Records": records}, CONTEXT)  # type: ignore[arg-type]
        return [failure["itemIdentifier"] for failure in answered["batchItemFailures"]]


@pytest.fixture
def live(sut: SystemUnderTest, monkeypatch: pytest.MonkeyPatch) -> Live:
    made = Live(sut)
    monkeypatch.setattr(bootstrap, "connection_repository", lambda: made.connections)
    monkeypatch.setattr(bootstrap, "ticket_repository", lambda: made.tickets)
    monkeypatch.setattr(bootstrap, "broadcaster", lambda: made.broadcaster)
    monkeypatch.setattr(bootstrap, "webhook_queue", lambda: made.webhooks)
    monkeypatch.setattr(bootstrap, "maximum_connections", lambda: 2)
    return made


def an_event(job: VideoJob, **changes: object) -> dict[str, object]:
    """A change as the outbox announces it."""
    return {"id": "event-1", "jobId": job.id, "version": job.version, "at": "2026-01-08T10:00:00.123Z"} | changes


@pytest.mark.parametrize("origin", [None, ORIGIN, "https://other.example.com"])
def test_the_session_cookie_lets_in(live: Live, origin: str | None) -> None:
    assert live.handshake(Origin=origin) == 200
    stored = live.connections.find(TAB)
    assert stored is not None
    assert stored.user_id == USER


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "", f"{ORIGIN}.evil.example.com"])
@pytest.mark.parametrize("with_ticket", [False, True])
def test_another_sites_page_is_refused_whatever_it_brings(live: Live, origin: str, *, with_ticket: bool) -> None:
    ticket = live.ticket().json["data"]["ticket"] if with_ticket else None
    assert live.handshake(ticket=ticket, Origin=origin) == 403
    assert live.connections.find(TAB) is None


@pytest.mark.parametrize("cookie", [None, "", "token=", "token=garbage", "other=1", "token=a; token=b"], ids=repr)
def test_without_a_session_nobody_gets_in(live: Live, cookie: str | None) -> None:
    assert live.handshake(Cookie=cookie) == 401
    assert live.connections.find(TAB) is None


def test_a_session_that_is_over_lets_nobody_in(live: Live) -> None:
    assert live.handshake(Cookie=f"token={live.sut.token(exp=int(time.time()) - 1)}") == 401


def test_a_token_in_a_header_or_a_query_opens_nothing(live: Live) -> None:
    token = live.sut.token()
    assert live.handshake(Cookie=None, Authorization=f"Bearer {token}") == 401
    assert live.handshake(Cookie=None, ticket=token) == 401


def test_a_ticket_lets_in_once_where_no_cookie_reaches(live: Live) -> None:
    answer = live.ticket()
    assert answer.status == 201
    assert answer.json["data"]["expiresAt"] == "2026-01-08T10:00:30.123Z"
    assert answer.headers["cache-control"] == "no-store"
    ticket = answer.json["data"]["ticket"]
    assert live.handshake(ticket=ticket, Cookie=None) == 200
    assert live.handshake(ConnectionId("again"), ticket=ticket, Cookie=None) == 401


def test_a_wrong_ticket_is_not_made_up_for_by_a_cookie(live: Live) -> None:
    assert live.handshake(ticket="") == 401
    assert live.handshake(ticket="made-up") == 401


def test_a_ticket_is_given_to_a_session_alone(live: Live) -> None:
    assert live.ticket(headers={"Cookie": None}).code == "TOKEN_MISSING"
    assert live.ticket(headers={"Origin": "https://evil.example.com"}).code == "FORBIDDEN"


def test_a_preflight_of_the_ticket_is_answered(live: Live) -> None:
    event = live.sut.event("POST", "/api/realtime/ticket", headers={"Origin": ORIGIN}) | {"httpMethod": "OPTIONS"}
    answer = call(realtime_app.handler, event)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)


def test_one_connection_too_many_is_refused(live: Live) -> None:
    assert [live.handshake(ConnectionId(name)) for name in "abc"] == [200, 200, 429]


@pytest.mark.parametrize("part", ["connections", "tickets"])
def test_without_a_database_a_handshake_is_told_to_come_again(live: Live, part: str) -> None:
    getattr(live, part).available = False
    assert live.handshake(ticket="any" if part == "tickets" else None) == 503


def test_a_bug_in_a_handshake_is_an_answer_too(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "connection_repository", lambda: 1 / 0)
    assert live.handshake() == 500


def test_the_end_of_a_connection_is_remembered(live: Live) -> None:
    live.handshake()
    assert live.answer(live.event("DISCONNECT")) == 200
    assert live.connections.find(TAB) is None


def test_a_ping_is_answered(live: Live) -> None:
    live.handshake()
    assert live.say({"action": "ping"}) == [{"type": "pong"}]


def test_a_snapshot_shows_each_job_as_get_does(live: Live) -> None:
    live.sut.put(version=3, progress=0.25, status=JobStatus.PROCESSING)
    live.handshake()
    [update] = live.say({"action": "subscribe"})
    shown = live.sut.get("665f1f77bcf86cd799439011")
    assert update == {
        "type": "job.updated",
        "id": "snapshot-665f1f77bcf86cd799439011-3",
        "jobId": "665f1f77bcf86cd799439011",
        "version": 3,
        "data": shown.json["data"],
    }


def test_a_finished_video_comes_with_urls_that_play(live: Live) -> None:
    output = an_output()
    urls = {"video_url": output.video.url, "poster": output.video}
    live.sut.put(status=JobStatus.COMPLETED, next=None, output=output, **urls)
    live.handshake()
    [update] = live.say({"action": "subscribe"})
    assert update["data"]["videoUrl"].startswith("https://presigned.test/")
    assert update["data"]["posterUrl"].startswith("https://presigned.test/")


def test_a_strangers_job_is_refused_in_words_and_the_connection_lives_on(live: Live) -> None:
    theirs = live.sut.put(user_id=ANOTHER_USER)
    live.handshake()
    [refusal] = live.say({"action": "subscribe", "jobId": theirs.id})
    assert refusal == {
        "type": "error",
        "code": "FORBIDDEN",
        "message": "This video job belongs to another user. Use the ID of one of your own jobs.",
    }
    assert live.say({"action": "ping"}) == [{"type": "pong"}]
    assert live.say({"action": "subscribe"}) == []


def test_a_job_that_is_not_there_is_refused_in_words(live: Live) -> None:
    live.handshake()
    assert [told["code"] for told in live.say({"action": "subscribe", "jobId": "0" * 24})] == ["NOT_FOUND"]


NONSENSE = {
    "nothing": "",
    "no body": None,
    "no JSON": "{",
    "no object": "[]",
    "no action": {},
    "another action": {"action": "shout"},
    "an action that is none": {"action": ["subscribe"]},
    "a typo": {"action": "subscribe", "jobID": "0" * 24},
    "a ping with more to say": {"action": "ping", "jobId": "0" * 24},
    "no id": {"action": "subscribe", "jobId": {"$ne": None}},
    "null": {"action": "subscribe", "jobId": None},
    "twice": '{"action": "subscribe", "action": "ping"}',
    "NaN": '{"action": NaN}',
    "depth": "[" * 1000,
    "half a character": '{"action": "\\ud800"}',
    "a half in a name": '{"action": "ping", "\\ud800": 1}',
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_answered_without_data_and_the_connection_lives_on(live: Live, nonsense: object) -> None:
    live.sut.put()
    live.handshake()
    [refusal] = live.say(nonsense)
    assert set(refusal) == {"type", "code", "message"}
    assert (refusal["type"], refusal["code"]) == ("error", "VALIDATION_ERROR")
    assert refusal["message"]
    json.dumps(refusal, ensure_ascii=False).encode()
    assert live.say({"action": "ping"}) == [{"type": "pong"}]


def test_too_many_words_are_not_even_read(live: Live) -> None:
    live.handshake()
    [refusal] = live.say({"action": "ping" + " " * 2000})
    assert refusal["code"] == "TOO_LARGE"


def test_a_message_can_not_pretend_to_be_a_handshake(live: Live) -> None:
    live.handshake()
    event = live.event("MESSAGE", body='{"action": "$connect"}')
    event["requestContext"]["routeKey"] = "$connect"
    live.answer(event)
    assert live.heard()[-1]["code"] == "VALIDATION_ERROR"


def test_who_was_never_let_in_is_cut_off(live: Live) -> None:
    live.broadcaster.open(TAB)
    assert live.say({"action": "subscribe"}) == []
    assert live.broadcaster.closed == [TAB]


def test_without_a_database_a_client_is_told_so(live: Live) -> None:
    live.handshake()
    live.sut.jobs.available = False
    assert [told["code"] for told in live.say({"action": "subscribe"})] == ["UNAVAILABLE"]


def test_a_bug_is_told_in_our_words(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.handshake()
    monkeypatch.setattr(bootstrap, "job_repository", lambda: 1 / 0)
    [told] = live.say({"action": "subscribe"})
    assert (told["code"], "division" in told["message"]) == ("INTERNAL_ERROR", False)


def test_a_client_that_can_not_be_told_breaks_nothing(live: Live) -> None:
    live.handshake()
    live.broadcaster.available = False
    assert live.say("nonsense") == []
    assert live.say({"action": "ping"}) == []


def test_a_change_is_told_to_live_connections_and_webhooks_under_its_id(live: Live) -> None:
    job = live.sut.put(version=2)
    live.handshake()
    live.say({"action": "subscribe"})
    assert live.notify(an_event(job)) == []
    update = live.heard()[-1]
    assert (update["type"], update["id"], update["jobId"], update["version"]) == ("job.updated", "event-1", job.id, 2)
    assert [delivery for delivery, _ in live.webhooks.sent] == [WebhookDelivery(ENDPOINT, "event-1", job.id)]


def test_a_user_never_sees_another_users_job(live: Live) -> None:
    live.handshake()
    live.say({"action": "subscribe"})
    theirs = live.sut.put(user_id=ANOTHER_USER)
    assert live.notify(an_event(theirs)) == []
    assert live.heard() == []


@pytest.mark.parametrize(
    "poison",
    ["", "{", "[]", "{}", '{"id": "event-1"}', '{"id": "event-1", "jobId": "x"}', '{"jobId": "' + "0" * 24 + '"}'],
)
def test_what_is_no_event_fails_alone(live: Live, poison: str) -> None:
    job = live.sut.put()
    assert live.notify(poison, an_event(job)) == ["m-0"]


def test_an_event_of_a_job_that_is_gone_is_done_with(live: Live) -> None:
    job = live.sut.put()
    live.sut.forget()
    assert live.notify(an_event(job)) == []


def test_an_event_that_can_not_be_told_comes_again(live: Live) -> None:
    job = live.sut.put()
    live.handshake()
    live.say({"action": "subscribe"})
    live.broadcaster.available = False
    assert live.notify(an_event(job)) == ["m-0"]


def test_what_is_secret_is_not_logged(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    job = live.sut.put(prompt="A secret boat")
    ticket = live.ticket().json["data"]["ticket"]
    token = live.sut.token()
    live.handshake(Cookie=f"token={token}")
    live.handshake(ConnectionId("second"), ticket=ticket, Cookie=None)
    live.handshake(ConnectionId("third"), ticket="a-wrong-one", Cookie=None)
    live.say({"action": "subscribe"})
    live.say('{"nonsense": "A secret boat"}')
    live.notify(an_event(job))
    said = live.sut.log.getvalue() + caplog.text
    assert "WebSocket event handled" in said
    assert [
        secret for secret in (ticket, token, "secret boat", "a-wrong-one", "presigned.test") if secret in said
    ] == []


HEAVY = ["aws_lambda_powertools.event_handler", "boto3", "botocore.auth", "botocore.session", "pydantic"]


@pytest.mark.parametrize("name", ["notifier", "realtime"])
def test_a_cold_start_imports_nothing_that_not_every_call_needs(name: str) -> None:
    code = f"import sys; import functions.{name}.app; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


REACHES: dict[str, Callable[[], object]] = {
    "connections": bootstrap.connection_repository,
    "tickets": bootstrap.ticket_repository,
    "the way out": bootstrap.broadcaster,
    "the cap": bootstrap.maximum_connections,
}


@pytest.mark.parametrize("make", REACHES.values(), ids=REACHES.keys())
def test_everything_is_made_of_the_settings(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MONGODB_SECRET_ARN", "JWT_SECRET_ARN", "VIDEOS_BUCKET"):
        monkeypatch.setenv(variable, "some")
    monkeypatch.setenv("WEBSOCKET_API_URL", "https://live.example.com")
    assert make() is not None
