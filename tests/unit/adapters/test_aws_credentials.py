"""Where a role's keys come from: Lambda's variables, or the credentials endpoint that SnapStart has instead."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from videojobs.adapters import aws
from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.errors import Unavailable


class _Endpoint(BaseHTTPRequestHandler):
    """Hands out keys on GET, and answers a call on POST with who signed it."""

    def do_GET(self) -> None:
        keys = {"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
        self._answer(keys)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"by": self.headers["Authorization"], "token": self.headers.get("X-Amz-Security-Token")})

    def _answer(self, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    aws._find_role.cache_clear()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def client(url: str) -> AwsJsonClient:
    return AwsJsonClient("sqs", "AmazonSQS", version="1.0", region="us-east-1", endpoint_url=url)


def test_the_variables_of_lambda_sign(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "VARIABLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    answer = client(url).call("SendMessage", {})
    assert "Credential=VARIABLE/" in answer["by"]
    assert answer["token"] == "session"


def test_without_variables_the_endpoint_of_the_role_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/keys")
    answer = client(url).call("SendMessage", {})
    assert "Credential=ROLE/" in answer["by"]
    assert answer["token"] == "t"


def test_a_process_without_a_role_says_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    with pytest.raises(Unavailable):
        client(url).call("SendMessage", {})
