"""The custom resources: CloudFormation always receives a response, and a failure says what to do."""

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


class FakeDatabase:
    """A database that accepts the two commands that are sent."""

    def command(self, name: str) -> dict[str, int]:
        assert name == "ping"
        return {"ok": 1}

    def __getitem__(self, _collection: str) -> "FakeDatabase":
        return self

    def create_indexes(self, indexes: list[Any]) -> list[str]:
        return [index.document["name"] for index in indexes]


class FakeConnection:
    """A connection that works, or fails as the real one does."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure, self._is_current = failure, False

    def refresh(self) -> None:
        self._is_current = True

    def run(self, operation: Callable[[Any], Any]) -> Any:
        assert self._is_current, "the secret that a warm environment has cached can be out of date"
        if self._failure is not None:
            raise Unavailable from self._failure
        return operation(FakeDatabase())


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the response URL for CloudFormation, and the list of received responses."""
    responses: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert self.headers["Content-Type"] == ""
            responses.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/answer", responses
    server.shutdown()
    thread.join()
    server.server_close()


def request_resource(
    cloudformation: tuple[str, list[dict[str, Any]]],
    kind: str = "Create",
    resource: str = "MongoIndexes",
    old_properties: dict[str, str] | None = None,
    **properties: str,
) -> dict[str, Any]:
    url, responses = cloudformation
    ids = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": resource}
    event = {"RequestType": kind, "ResponseURL": url, "ResourceType": f"Custom::{resource}"}
    event |= {"OldResourceProperties": old_properties} if old_properties is not None else {}  # type: ignore[dict-item]
    app.handler(event | {"ResourceProperties": properties} | ids, None)  # type: ignore[arg-type]
    response = responses.pop()
    assert {key: response[key] for key in ids} == ids
    assert response["PhysicalResourceId"]
    return response


def set_connection(monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
    monkeypatch.setattr(bootstrap, "mongo_connection", lambda: FakeConnection(failure))


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_deployment_creates_every_index(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    set_connection(monkeypatch)
    response = request_resource(cloudformation, kind)
    assert response["Status"] == "SUCCESS"
    assert response["Reason"].split(", ") == NAMES


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_warm_environment_creates_the_indexes_in_the_database_of_the_current_secret(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, mongo_address: str, kind: str
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
    assert request_resource(cloudformation, kind)["Status"] == "SUCCESS"
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{mongo_address}/?directConnection=true") as client:
        assert "idempotency" in client[names[True]]["videojobs"].index_information()
        assert client[names[False]].list_collection_names() == []
        client.drop_database(names[True])
    connection.run(lambda database: database.client.close())


@pytest.mark.parametrize("value", ["", "not-a-connection-string", '{"uri": "mongodb://host"}'])
def test_a_warm_environment_reports_a_value_that_is_not_a_connection_string(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, mongo_uri: str, value: str
) -> None:
    # The functions that the deployment would start next have no earlier connection to keep.
    connection = MongoConnection(lambda *, refresh=False: value if refresh else mongo_uri)
    connection.run(lambda database: database.command("ping"))
    monkeypatch.setattr(bootstrap, "mongo_connection", lambda: connection)
    response = request_resource(cloudformation, "Update")
    assert response["Status"] == "FAILED"
    assert "connection string" in response["Reason"]
    connection.run(lambda database: database.client.close())


def test_a_deletion_succeeds_even_if_the_database_is_unavailable(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_connection(monkeypatch, ServerSelectionTimeoutError("db-1.internal:27017: timed out"))
    assert request_resource(cloudformation, "Delete")["Status"] == "SUCCESS"


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
def test_a_failure_contains_advice_and_no_host_name(
    cloudformation: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: Exception,
    advice: str,
) -> None:
    set_connection(monkeypatch, failure)
    response = request_resource(cloudformation)
    assert response["Status"] == "FAILED"
    assert advice in response["Reason"]
    assert "db-1.internal" not in response["Reason"] + capsys.readouterr().out


def test_a_layer_that_cannot_be_imported_is_reported(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImportError("No module named 'pydantic_core._pydantic_core'")

    monkeypatch.setattr(bootstrap, "mongo_connection", fail)
    response = request_resource(cloudformation)
    assert response["Status"] == "FAILED"
    assert "Architecture" in response["Reason"]


def test_the_digest_changes_with_a_parameter(cloudformation: tuple[str, list[dict[str, Any]]]) -> None:
    def digest(**parameters: str) -> str:
        response = request_resource(cloudformation, "Update", "Configuration", **parameters)
        assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", "Configuration")
        return str(response["Data"]["Digest"])

    first = digest(LogLevel="INFO", CookieName="token")
    assert digest(CookieName="token", LogLevel="INFO") == first
    assert digest(LogLevel="DEBUG", CookieName="token") != first
    assert len(first) < 256, "the limit of a version's description"


def test_the_digest_needs_no_database(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_connection(monkeypatch, ServerSelectionTimeoutError("db-1.internal:27017: timed out"))
    for kind in ("Create", "Update", "Delete"):
        assert request_resource(cloudformation, kind, "Configuration", LogLevel="INFO")["Status"] == "SUCCESS"


KEY = "correct-horse-battery-staple-0123456789"


def set_secret(monkeypatch: pytest.MonkeyPatch, secret: str | Exception, *, accept_short: bool = False) -> None:
    def read(*, refresh: bool = False) -> str:
        assert refresh, "a cached secret may be out of date"
        if isinstance(secret, Exception):
            raise secret
        return secret

    monkeypatch.setattr(bootstrap, "jwt_secret", read)
    monkeypatch.setattr(bootstrap, "accept_short_jwt_secret", lambda: accept_short)


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize("secret", [KEY, json.dumps([KEY, KEY[::-1]])])
def test_a_sufficient_secret_lets_the_deployment_continue(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, secret: str, kind: str
) -> None:
    set_secret(monkeypatch, secret)
    assert request_resource(cloudformation, kind, "JwtSecret")["Status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("a-platforms-old-key", "set AcceptShortJwtSecret to true"),
        (f"{KEY}\n", "printf"),
        (json.dumps({"key": KEY}), "Store the key itself"),
        (Unavailable(), "can't be read"),
        (ImportError("pydantic_core"), "Architecture"),
    ],
)
def test_an_unusable_secret_fails_the_deployment_with_a_reason(
    cloudformation: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    secret: str | Exception,
    problem: str,
) -> None:
    set_secret(monkeypatch, secret)
    response = request_resource(cloudformation, "Create", "JwtSecret")
    assert response["Status"] == "FAILED"
    assert problem in response["Reason"]
    assert KEY not in response["Reason"] + capsys.readouterr().out


def test_an_allowed_short_secret_is_deployed_with_a_warning(
    cloudformation: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_secret(monkeypatch, "a-platforms-old-key", accept_short=True)
    assert request_resource(cloudformation, "Create", "JwtSecret")["Status"] == "SUCCESS"
    assert json.loads(capsys.readouterr().out)["action"] == "short_jwt_secret_accepted"


@pytest.mark.parametrize("resource", ["MongoIndexes", "JwtSecret"])
def test_the_rollback_of_a_failed_update_does_not_fail_on_the_same_secret(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    set_connection(monkeypatch, ConfigurationError("not-a-connection-string"))
    set_secret(monkeypatch, "a-platforms-old-key")
    first, second, third = ({"SecretsRevision": revision} for revision in "123")
    assert request_resource(cloudformation, "Update", resource, old_properties=first, **second)["Status"] == "FAILED"
    assert request_resource(cloudformation, "Update", resource, old_properties=second, **first)["Status"] == "SUCCESS"
    assert request_resource(cloudformation, "Update", resource, old_properties=first, **third)["Status"] == "FAILED"
    assert request_resource(cloudformation, "Update", resource, old_properties=first, **second)["Status"] == "FAILED", (
        "not a rollback, but another update"
    )


def test_a_stack_can_be_deleted_with_any_secret(
    cloudformation: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_secret(monkeypatch, Unavailable())
    assert request_resource(cloudformation, "Delete", "JwtSecret")["Status"] == "SUCCESS"
