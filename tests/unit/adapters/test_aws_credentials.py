"""Credentials of the role: from the environment variables of Lambda, or from the endpoint that SnapStart provides."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.aws import light_sqs
from tests.servers import free_port
from videojobs.adapters import aws
from videojobs.domain.errors import Unavailable


class CredentialsEndpoint(BaseHTTPRequestHandler):
    """A server that returns credentials on GET, and on POST the `Authorization` header and token of the call."""

    def do_GET(self) -> None:
        keys = {"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
        self._respond(keys)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._respond({"by": self.headers["Authorization"], "token": self.headers.get("X-Amz-Security-Token")})

    def _respond(self, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    aws._find_role.cache_clear()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), CredentialsEndpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def send(url: str) -> Mapping[str, Any]:
    """Send a message and return the response."""
    return light_sqs(url).send_message(QueueUrl="https://queue", MessageBody="{}")


def test_calls_are_signed_with_the_environment_variables_of_lambda(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "VARIABLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    response = send(url)
    assert "Credential=VARIABLE/" in response["by"]
    assert response["token"] == "session"


def test_the_credentials_endpoint_is_used_without_environment_variables(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/keys")
    response = send(url)
    assert "Credential=ROLE/" in response["by"]
    assert response["token"] == "t"


def test_a_call_without_credentials_raises_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    with pytest.raises(Unavailable):
        send(url)


def test_a_call_is_unavailable_when_the_credentials_endpoint_fails(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{free_port()}/keys")
    with pytest.raises(Unavailable):
        send(url)
