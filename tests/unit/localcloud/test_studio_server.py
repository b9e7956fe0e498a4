"""The studio on this machine: the pages with CloudFront's headers, the API at the same origin, and a sign-in."""

import http.client
import json
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from localcloud.config import ROOT, CloudConfig
from localcloud.pages import find_pages
from localcloud.stack import Stack
from localcloud.studio_server import USERS, StudioHandler, make_server

SECRET = "correct-horse-battery-staple-0123456789"
SOMEBODY = "65a1b2c3d4e5f60718293a4b"


class Api(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        asked = {"method": self.command, "path": self.path, "cookie": self.headers["Cookie"], "body": body}
        self.send_response(302 if self.path.endswith("/content") else 200)
        self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(json.dumps(asked).encode())

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silence."""


def _serve(server: HTTPServer) -> Iterator[HTTPServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api() -> Iterator[HTTPServer]:
    yield from _serve(HTTPServer(("127.0.0.1", 0), Api))


@pytest.fixture
def config(tmp_path: Path) -> CloudConfig:
    return CloudConfig(root=ROOT, state=tmp_path)


@pytest.fixture
def studio(config: CloudConfig) -> Iterator[HTTPServer]:
    yield from _serve(make_server(config, 0))


@pytest.fixture
def up(config: CloudConfig, api: HTTPServer) -> Stack:
    """The system is up: its API is `api`."""
    stack = Stack(
        api_url=f"http://127.0.0.1:{api.server_port}/_aws/execute-api/abc/local",
        web_url="",
        ws_url="ws://127.0.0.1:4566/live",
        mongo_uri="",
        aws_endpoint_url="http://127.0.0.1:4566",
        stack_name="videojobs",
        cookie_name="session",
        jwt_secret=SECRET,
        queues={},
        bucket="",
        functions={},
    )
    stack.write(config)
    return stack


def ask(
    studio: HTTPServer, method: str, path: str, body: str = "", **headers: str
) -> tuple[int, dict[str, list[str]], bytes]:
    """Status, headers by their names in small letters, and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found: dict[str, list[str]] = {}
    for name, value in answer.getheaders():
        found.setdefault(name.lower(), []).append(value)
    content = answer.read()
    connection.close()
    return answer.status, found, content


def sign_in(studio: HTTPServer, user: str, **headers: str) -> tuple[int, dict[str, list[str]], bytes]:
    """Post the sign-in's form."""
    return ask(studio, "POST", "/dev/login", urllib.parse.urlencode({"user": user}), **headers)


@pytest.mark.parametrize("name", find_pages(ROOT / "web"))
def test_every_page_is_there_under_the_headers_that_cloudfront_adds(studio: HTTPServer, name: str) -> None:
    status, headers, body = ask(studio, "GET", f"/{name}")
    assert (status, body) == (200, (ROOT / "web" / name).read_bytes())
    assert "default-src 'none'" in headers["content-security-policy"][0]
    assert headers["x-content-type-options"] == ["nosniff"]
    assert headers["cache-control"] == ["no-cache"]


def test_the_origin_alone_shows_the_studio(studio: HTTPServer) -> None:
    assert ask(studio, "GET", "/?status=failed")[2] == (ROOT / "web" / "index.html").read_bytes()


def test_what_a_browser_has_is_not_sent_again(studio: HTTPServer) -> None:
    [tag] = ask(studio, "GET", "/")[1]["etag"]
    assert ask(studio, "GET", "/", If_None_Match=tag)[::2] == (304, b"")


@pytest.mark.parametrize("path", ["/nothing", "/../template.yaml", "/%2e%2e/template.yaml", "//etc/passwd", "/fonts"])
def test_nothing_else_is_there(studio: HTTPServer, path: str) -> None:
    assert ask(studio, "GET", path)[0] == 404


def test_a_page_may_load_videos_and_open_a_connection_where_the_system_is(studio: HTTPServer, up: Stack) -> None:
    [policy] = ask(studio, "GET", "/")[1]["content-security-policy"]
    assert f"media-src 'self' {up.aws_endpoint_url};" in policy
    assert "connect-src 'self' ws://127.0.0.1:4566;" in policy


def test_the_page_is_told_where_to_sign_in_and_where_updates_come_from(studio: HTTPServer, up: Stack) -> None:
    settings: dict[str, Any] = json.loads(ask(studio, "GET", "/config.json")[2])
    assert settings == {"liveUrl": up.ws_url, "signInUrl": "/dev/login"}


@pytest.mark.usefixtures("up")
def test_a_call_reaches_the_api_as_it_is(studio: HTTPServer) -> None:
    status, headers, body = ask(studio, "POST", "/api/videos/generate?a=b%2Fc", "{}", Cookie="session=x")
    assert (status, headers["set-cookie"]) == (200, ["a=1", "b=2"])
    assert "content-security-policy" not in headers
    assert json.loads(body) == {
        "method": "POST",
        "path": "/_aws/execute-api/abc/local/api/videos/generate?a=b%2Fc",
        "cookie": "session=x",
        "body": "{}",
    }


@pytest.mark.usefixtures("up")
def test_a_redirect_is_the_browsers_to_follow(studio: HTTPServer) -> None:
    status, headers, _ = ask(studio, "GET", "/api/videos/1/content")
    assert (status, headers["location"]) == (302, ["https://elsewhere.example/"])


def test_before_the_system_is_up_the_api_says_so_in_its_own_way(studio: HTTPServer) -> None:
    status, headers, body = ask(studio, "GET", "/api/videos")
    assert (status, headers["retry-after"]) == (503, ["2"])
    assert json.loads(body)["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("user", [*USERS.values(), "0123456789ABCDEF01234567"])
@pytest.mark.usefixtures("up")
def test_signing_in_sets_the_cookie_that_the_platform_would(studio: HTTPServer, user: str) -> None:
    status, headers, _ = sign_in(studio, user)
    [cookie] = headers["set-cookie"]
    pair, *attributes = cookie.split("; ")
    assert (status, headers["location"]) == (303, ["/"])
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=28800"]
    name, _, token = pair.partition("=")
    assert name == "session"
    assert jwt.decode(token, SECRET, algorithms=["HS256"])["userId"] == user.lower()


@pytest.mark.parametrize("user", ["", "ada", "0" * 23, "g" * 24, "0" * 25])
@pytest.mark.usefixtures("up")
def test_nobody_is_signed_in_without_an_id(studio: HTTPServer, user: str) -> None:
    status, headers, _ = sign_in(studio, user)
    assert status == 400
    assert "set-cookie" not in headers


@pytest.mark.usefixtures("up")
def test_another_sites_page_signs_nobody_in(studio: HTTPServer) -> None:
    assert sign_in(studio, SOMEBODY, Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.usefixtures("up")
def test_a_name_that_leads_here_from_elsewhere_gets_nothing(studio: HTTPServer) -> None:
    assert ask(studio, "GET", "/dev/login", Host="rebound.example")[0] == 421
    assert sign_in(studio, SOMEBODY, Host="rebound.example")[0] == 421


@pytest.mark.usefixtures("up")
def test_signing_out_takes_the_cookie_away(studio: HTTPServer) -> None:
    status, headers, _ = ask(studio, "POST", "/dev/logout")
    assert (status, headers["location"]) == (303, ["/dev/login"])
    assert headers["set-cookie"] == ["session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]


def test_the_sign_in_is_a_page_with_a_button_for_everybody(studio: HTTPServer) -> None:
    status, headers, body = ask(studio, "GET", "/dev/login")
    assert (status, headers["content-type"]) == (200, ["text/html; charset=utf-8"])
    assert all(f'value="{user}"' in body.decode() for user in USERS.values())
    assert ask(studio, "GET", "/dev/login.css")[1]["content-type"] == ["text/css; charset=utf-8"]


def test_nothing_that_is_deployed_knows_the_sign_in() -> None:
    deployed = [ROOT / "template.yaml", *(ROOT / "web").rglob("*.*"), *(ROOT / "functions").rglob("*.py")]
    deployed += (ROOT / "layers" / "common" / "videojobs").rglob("*.py")
    assert len(deployed) > 50
    assert not [path for path in deployed if b"/dev/log" in path.read_bytes()]


def shout(studio: HTTPServer, head: str) -> bytes:
    """All that comes back for these very lines."""
    with socket.create_connection(("127.0.0.1", studio.server_port), 10) as connection:
        connection.sendall(f"{head}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.usefixtures("up")
@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Content-Length: minus-one", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: \u0663", 400),
        ("Transfer-Encoding: chunked", 400),
        (f"Content-Length: {10 * 1024 * 1024 + 1}", 413),
    ],
)
def test_a_body_of_no_known_length_is_refused_and_the_connection_ends(
    studio: HTTPServer, line: str, status: int
) -> None:
    said = shout(studio, f"POST /api/videos/generate HTTP/1.1\r\n{line}")
    assert said.startswith(f"HTTP/1.1 {status} ".encode())
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.usefixtures("up")
def test_whoever_sends_nothing_more_is_left_and_holds_up_nobody(
    studio: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StudioHandler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", studio.server_port), 10) as slow:
        slow.sendall(b"POST /api/videos/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        assert ask(studio, "GET", "/dev/ready")[0] == 204
        assert slow.recv(65536) == b""
