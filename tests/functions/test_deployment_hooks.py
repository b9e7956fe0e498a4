"""The custom resources: CloudFormation gets an answer whatever happens, and a failure says what to do."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pymongo
import pytest
from pymongo.errors import ConfigurationError, OperationFailure, ServerSelectionTimeoutError

from functions.deployment_hooks import app
from videojobs import bootstrap
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.indexes import INDEXES
from videojobs.domain.errors import Unavailable

NAMES = [index.document["name"] for indexes in INDEXES.values() for index in indexes]


class _Database:
    """Knows the two commands that are sent."""

    def command(self, name: str) -> dict[str, int]:
        assert name == "ping"
        return {"ok": 1}

    def __getitem__(self, _collection: str) -> "_Database":
        return self

    def create_indexes(self, indexes: list[Any]) -> list[str]:
        return [index.document["name"] for index in indexes]


class _Connection:
    """A connection that works, or fails as the real one does."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure, self._is_current = failure, False

    def refresh(self) -> None:
        self._is_current = True

    def run(self, operation: Callable[[Any], Any]) -> Any:
        assert self._is_current, "the secret that a warm environment has read can be out of date"
        if self._failure is not None:
            raise Unavailable from self._failure
        return operation(_Database())


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where CloudFormation waits, and what it was told."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert self.headers["Content-Type"] == ""
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer", told
    server.shutdown()
    thread.join()
    server.server_close()


def _ask(
    answers: tuple[str, list[dict[str, Any]]],
    kind: str = "Create",
    resource: str = "MongoIndexes",
    old: dict[str, str] | None = None,
    **properties: str,
) -> dict[str, Any]:
    url, told = answers
    ids = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": resource}
    event = {"RequestType": kind, "ResponseURL": url, "ResourceType": f"Custom::{resource}"}
    event |= {"OldResourceProperties": old} if old is not None else {}  # type: ignore[dict-item]
    app.handler(event | {"ResourceProperties": properties} | ids, None)  # type: ignore[arg-type]
    answer = told.pop()
    assert {key: answer[key] for key in ids} == ids
    assert answer["PhysicalResourceId"]
    return answer


def _connect(monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
    monkeypatch.setattr(bootstrap, "mongo_connection", lambda: _Connection(failure))


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_deployment_makes_every_index(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _connect(monkeypatch)
    answer = _ask(answers, kind)
    assert answer["Status"] == "SUCCESS"
    assert answer["Reason"].split(", ") == NAMES


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_warm_environment_makes_the_indexes_in_the_database_that_the_secret_names_now(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, mongo_address: str, kind: str
) -> None:
    names = {False: f"before_{kind}", True: f"now_{kind}"}
    current = False

    def read_uri(*, refresh: bool = False) -> str:
        nonlocal current
        current = current or refresh
        return f"mongodb://{mongo_address}/{names[current]}?directConnection=true&serverMonitoringMode=poll"

    connection = MongoConnection(read_uri)
    assert connection.run(lambda database: database.name) == names[False]
    monkeypatch.setattr(bootstrap, "mongo_connection", lambda: connection)
    assert _ask(answers, kind)["Status"] == "SUCCESS"
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{mongo_address}/?directConnection=true") as client:
        assert "idempotency" in client[names[True]]["videojobs"].index_information()
        assert client[names[False]].list_collection_names() == []
        client.drop_database(names[True])
    connection.run(lambda database: database.client.close())


@pytest.mark.parametrize("value", ["", "not-a-connection-string", '{"uri": "mongodb://host"}'])
def test_a_warm_environment_reports_a_value_that_is_not_a_connection_string(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, mongo_uri: str, value: str
) -> None:
    """The functions that the deployment would start next have no earlier connection to keep."""
    connection = MongoConnection(lambda *, refresh=False: value if refresh else mongo_uri)
    connection.run(lambda database: database.command("ping"))
    monkeypatch.setattr(bootstrap, "mongo_connection", lambda: connection)
    answer = _ask(answers, "Update")
    assert answer["Status"] == "FAILED"
    assert "connection string" in answer["Reason"]
    connection.run(lambda database: database.client.close())


def test_a_deletion_succeeds_even_where_the_database_is_gone(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(monkeypatch, ServerSelectionTimeoutError("db-1.internal:27017: timed out"))
    assert _ask(answers, "Delete")["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (ServerSelectionTimeoutError("db-1.internal:27017: timed out"), "Network Access"),
        (OperationFailure("bad auth for db-1.internal", 18), "password"),
        (OperationFailure("bad auth : db-1.internal", 8000), "password"),
        (OperationFailure("not authorized on db-1.internal", 13), "readWrite"),
        (OperationFailure("options differ: db-1.internal", 85), "Drop it"),
        (OperationFailure("something else on db-1.internal", 1), "refused"),
        (ConfigurationError("db-1.internal does not exist"), "connection string"),
        (RuntimeError("secretsmanager GetSecretValue: AccessDeniedException db-1.internal"), "ARN"),
    ],
)
def test_a_failure_says_what_to_do_and_no_hosts(
    answers: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: Exception,
    advice: str,
) -> None:
    _connect(monkeypatch, failure)
    answer = _ask(answers)
    assert answer["Status"] == "FAILED"
    assert advice in answer["Reason"]
    assert "db-1.internal" not in answer["Reason"] + capsys.readouterr().out


def test_a_layer_that_cannot_be_loaded_is_told(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImportError("No module named 'pydantic_core._pydantic_core'")

    monkeypatch.setattr(bootstrap, "mongo_connection", fail)
    answer = _ask(answers)
    assert answer["Status"] == "FAILED"
    assert "Architecture" in answer["Reason"]


def test_the_digest_is_another_one_when_a_parameter_is(answers: tuple[str, list[dict[str, Any]]]) -> None:
    def digest(**parameters: str) -> str:
        answer = _ask(answers, "Update", "Configuration", **parameters)
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "Configuration")
        return str(answer["Data"]["Digest"])

    first = digest(LogLevel="INFO", CookieName="token")
    assert digest(CookieName="token", LogLevel="INFO") == first
    assert digest(LogLevel="DEBUG", CookieName="token") != first
    assert len(first) < 256, "a version's description takes no more"


def test_the_digest_asks_no_database(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(monkeypatch, ServerSelectionTimeoutError("db-1.internal:27017: timed out"))
    for kind in ("Create", "Update", "Delete"):
        assert _ask(answers, kind, "Configuration", LogLevel="INFO")["Status"] == "SUCCESS"


KEY = "correct-horse-battery-staple-0123456789"


def _hold(monkeypatch: pytest.MonkeyPatch, secret: str | Exception, *, accept_short: bool = False) -> None:
    def read(*, refresh: bool = False) -> str:
        assert refresh, "what a process has read before may be out of date"
        if isinstance(secret, Exception):
            raise secret
        return secret

    monkeypatch.setattr(bootstrap, "jwt_secret", read)
    monkeypatch.setattr(bootstrap, "accept_short_jwt_secret", lambda: accept_short)


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize("secret", [KEY, json.dumps([KEY, KEY[::-1]])])
def test_a_secret_that_will_do_lets_the_deployment_go_on(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, secret: str, kind: str
) -> None:
    _hold(monkeypatch, secret)
    assert _ask(answers, kind, "JwtSecret")["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("a-platforms-old-key", "AcceptShortJwtSecret=true"),
        (f"{KEY}\n", "printf"),
        (json.dumps({"key": KEY}), "Store the key itself"),
        (Unavailable(), "can't be read"),
        (ImportError("pydantic_core"), "Architecture"),
    ],
)
def test_a_secret_that_will_not_do_fails_the_deployment_in_words(
    answers: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: str | Exception,
    words: str,
) -> None:
    _hold(monkeypatch, secret)
    answer = _ask(answers, "Create", "JwtSecret")
    assert answer["Status"] == "FAILED"
    assert words in answer["Reason"]
    assert KEY not in answer["Reason"] + capsys.readouterr().out


def test_a_short_secret_that_was_accepted_is_deployed_and_warned_of(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _hold(monkeypatch, "a-platforms-old-key", accept_short=True)
    assert _ask(answers, "Create", "JwtSecret")["Status"] == "SUCCESS"
    assert json.loads(capsys.readouterr().out)["action"] == "short_jwt_secret_accepted"


@pytest.mark.parametrize("resource", ["MongoIndexes", "JwtSecret"])
def test_the_way_back_from_an_update_that_failed_does_not_fail_on_the_same_secret(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    _connect(monkeypatch, ConfigurationError("not-a-connection-string"))
    _hold(monkeypatch, "a-platforms-old-key")
    first, second, third = ({"SecretsRevision": revision} for revision in "123")
    assert _ask(answers, "Update", resource, old=first, **second)["Status"] == "FAILED"
    assert _ask(answers, "Update", resource, old=second, **first)["Status"] == "SUCCESS"
    assert _ask(answers, "Update", resource, old=first, **third)["Status"] == "FAILED"
    assert _ask(answers, "Update", resource, old=first, **second)["Status"] == "FAILED", "no way back, but another try"


def test_a_stack_goes_whatever_its_secret_holds(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _hold(monkeypatch, Unavailable())
    assert _ask(answers, "Delete", "JwtSecret")["Status"] == "SUCCESS"
