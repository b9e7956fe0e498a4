"""The local studio server: pages with CloudFront's headers, the API at the same origin, and a sign-in."""

import contextlib
import html
import http.client
import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from copy import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from localcloud.config import ROOT, CloudConfig
from localcloud.local_sessions import USERS
from localcloud.pages import find_pages
from localcloud.stack import Stack
from localcloud.studio_server import StudioHandler, make_server
from localcloud.template import read_page_headers
from localcloud.tokens import make_token

SECRET = "correct-horse-battery-staple-0123456789"
USER_ID = "65a1b2c3d4e5f60718293a4b"


class Api(BaseHTTPRequestHandler):
    """An API that returns the request it received."""

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        received = {"method": self.command, "path": self.path, "cookie": self.headers["Cookie"], "body": body}
        self.send_response(302 if self.path.endswith("/content") else 200)
        self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(json.dumps(received).encode())

    do_GET = do_POST = do_DELETE = _respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


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
    """Write the stack file of a running system whose API is `api`, and return the stack."""
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


def send_request(
    studio: HTTPServer, method: str, path: str, body: str = "", **headers: str
) -> tuple[int, dict[str, list[str]], bytes]:
    """Send a request; return the status, the headers by their lowercase names, and the body of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    headers_by_name: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        headers_by_name.setdefault(name.lower(), []).append(value)
    content = response.read()
    connection.close()
    return response.status, headers_by_name, content


def sign_in(studio: HTTPServer, user: str, **headers: str) -> tuple[int, dict[str, list[str]], bytes]:
    """Post the sign-in form."""
    return send_request(studio, "POST", "/dev/login", urllib.parse.urlencode({"user": user}), **headers)


@pytest.mark.parametrize("name", find_pages(ROOT / "web"))
def test_every_page_is_served_with_the_headers_of_cloudfront(studio: HTTPServer, name: str) -> None:
    status, headers, body = send_request(studio, "GET", f"/{name}")
    assert (status, body) == (200, (ROOT / "web" / name).read_bytes())
    expected = read_page_headers(ROOT / "infrastructure" / "studio.yaml", videos="'self'", live="'self'")
    assert {name: headers[name.lower()] for name in expected} == {name: [value] for name, value in expected.items()}
    assert headers["cache-control"] == ["no-cache"]


def test_the_root_path_serves_the_studio(studio: HTTPServer) -> None:
    assert send_request(studio, "GET", "/?status=failed")[2] == (ROOT / "web" / "index.html").read_bytes()


def test_an_unchanged_page_is_not_sent_again(studio: HTTPServer) -> None:
    [tag] = send_request(studio, "GET", "/")[1]["etag"]
    assert send_request(studio, "GET", "/", If_None_Match=tag)[::2] == (304, b"")


@pytest.mark.parametrize("path", ["/nothing", "/../template.yaml", "/%2e%2e/template.yaml", "//etc/passwd", "/fonts"])
def test_any_other_path_is_not_found(studio: HTTPServer, path: str) -> None:
    assert send_request(studio, "GET", path)[0] == 404


def test_the_content_security_policy_allows_the_storage_and_the_websocket_of_the_system(
    studio: HTTPServer, up: Stack
) -> None:
    [policy] = send_request(studio, "GET", "/")[1]["content-security-policy"]
    assert f"media-src 'self' {up.aws_endpoint_url};" in policy
    assert "connect-src 'self' ws://127.0.0.1:4566;" in policy


def test_the_config_file_contains_the_websocket_url_and_the_sign_in_url(studio: HTTPServer, up: Stack) -> None:
    settings: dict[str, Any] = json.loads(send_request(studio, "GET", "/config.json")[2])
    assert settings == {"liveUrl": up.ws_url, "signInUrl": "/dev/login"}


@pytest.mark.usefixtures("up")
def test_a_request_is_passed_to_the_api_unchanged(studio: HTTPServer) -> None:
    status, headers, body = send_request(studio, "POST", "/api/videos/generate?a=b%2Fc", "{}", Cookie="session=x")
    assert (status, headers["set-cookie"]) == (200, ["a=1", "b=2"])
    assert "content-security-policy" not in headers
    assert json.loads(body) == {
        "method": "POST",
        "path": "/_aws/execute-api/abc/local/api/videos/generate?a=b%2Fc",
        "cookie": "session=x",
        "body": "{}",
    }


@pytest.mark.usefixtures("up")
def test_a_redirect_is_passed_to_the_browser(studio: HTTPServer) -> None:
    status, headers, _ = send_request(studio, "GET", "/api/videos/1/content")
    assert (status, headers["location"]) == (302, ["https://elsewhere.example/"])


def test_an_api_request_before_the_system_is_up_returns_503(studio: HTTPServer) -> None:
    status, headers, body = send_request(studio, "GET", "/api/videos")
    assert (status, headers["retry-after"]) == (503, ["2"])
    assert json.loads(body)["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("user", [*USERS.values(), "0123456789ABCDEF01234567"])
@pytest.mark.usefixtures("up")
def test_signing_in_sets_the_session_cookie_of_the_platform(studio: HTTPServer, user: str) -> None:
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
def test_signing_in_with_an_invalid_user_id_is_refused(studio: HTTPServer, user: str) -> None:
    status, headers, _ = sign_in(studio, user)
    assert status == 400
    assert "set-cookie" not in headers


def test_signing_in_with_a_token_sets_this_token(studio: HTTPServer, up: Stack) -> None:
    token = make_token(up, user_id=USER_ID, minutes=5, priority="high")
    status, headers, _ = send_request(studio, "POST", "/dev/login", urllib.parse.urlencode({"token": f" {token}\n"}))
    [cookie] = headers["set-cookie"]
    assert (status, cookie.partition(";")[0]) == (303, f"session={token}")
    assert int(cookie.rpartition("=")[2]) in range(1, 301)


def test_signing_in_with_an_invalid_token_names_the_field(studio: HTTPServer, up: Stack) -> None:
    expired = make_token(up, user_id=USER_ID, minutes=-1)
    foreign = jwt.encode({"userId": USER_ID, "exp": 4e9}, SECRET[::-1], algorithm="HS256")
    for token in (expired, foreign, jwt.encode({"userId": USER_ID}, SECRET, algorithm="HS256"), "no-token"):
        status, headers, body = send_request(studio, "POST", "/dev/login", urllib.parse.urlencode({"token": token}))
        assert (status, "set-cookie" in headers) == (400, False)
        assert b"field token" in body


@pytest.mark.usefixtures("up")
def test_the_page_of_another_port_has_a_session_of_its_own(studio: HTTPServer) -> None:
    vite = {"Host": "localhost:5173"}
    [cookie] = sign_in(studio, USER_ID, **vite)[1]["set-cookie"]
    own = cookie.partition(";")[0]
    assert own.startswith("session-5173=")
    received = send_request(studio, "GET", "/api/videos", Cookie=f"session=of-the-studio; a=b; {own}", **vite)[2]
    assert json.loads(received)["cookie"] == f"a=b; session={own.partition('=')[2]}"
    received = send_request(studio, "GET", "/api/videos", Cookie="session=of-the-studio", **vite)[2]
    assert "of-the-studio" not in json.loads(received)["cookie"]
    [removed] = send_request(studio, "POST", "/dev/logout", **vite)[1]["set-cookie"]
    assert removed.startswith("session-5173=;")


@pytest.fixture
def live(config: CloudConfig, up: Stack) -> Iterator[list[str]]:
    """Run a WebSocket API that returns messages in capitals; yield the paths and cookies of its handshakes."""
    handshakes: list[str] = []

    def handle(connection: ServerConnection) -> None:
        assert connection.request
        handshakes.append(f"{connection.request.path} {connection.request.headers['Cookie']}")
        for message in connection:
            connection.send(str(message).upper())

    def check(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(403, "") if request.path.endswith("?refused") else None

    with serve(handle, "127.0.0.1", 0, process_request=check) as server:
        port = server.socket.getsockname()[1]
        replace(up, ws_url=f"ws://127.0.0.1:{port}/_aws/execute-api/abc/local").write(config)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handshakes
        server.shutdown()
        thread.join()


def test_a_websocket_is_forwarded_in_both_directions(studio: HTTPServer, live: list[str]) -> None:
    headers = {"Cookie": "session=x"}
    with connect(f"ws://127.0.0.1:{studio.server_port}/live?ticket=a%2Fb", additional_headers=headers) as socket:
        for message in ("one", "two"):
            socket.send(message)
            assert socket.recv() == message.upper()
    assert live == ["/_aws/execute-api/abc/local?ticket=a%2Fb session=x"]


@pytest.mark.usefixtures("live")
def test_a_websocket_that_the_api_refuses_is_refused(studio: HTTPServer) -> None:
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws://127.0.0.1:{studio.server_port}/live?refused"):
        pass


def test_a_websocket_before_the_system_is_up_returns_503(studio: HTTPServer) -> None:
    with pytest.raises(InvalidStatus, match="503"), connect(f"ws://127.0.0.1:{studio.server_port}/live"):
        pass


@pytest.mark.usefixtures("up")
def test_signing_in_from_the_page_of_another_site_is_refused(studio: HTTPServer) -> None:
    assert sign_in(studio, USER_ID, Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.usefixtures("up")
def test_a_request_with_another_host_name_is_refused(studio: HTTPServer) -> None:
    assert send_request(studio, "GET", "/dev/login", Host="rebound.example")[0] == 421
    assert sign_in(studio, USER_ID, Host="rebound.example")[0] == 421


@pytest.mark.usefixtures("up")
def test_signing_out_deletes_the_cookie(studio: HTTPServer) -> None:
    status, headers, _ = send_request(studio, "POST", "/dev/logout")
    assert (status, headers["location"]) == (303, ["/dev/login"])
    assert headers["set-cookie"] == ["session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]


def test_the_sign_in_page_has_a_button_for_every_user(studio: HTTPServer) -> None:
    status, headers, body = send_request(studio, "GET", "/dev/login")
    assert (status, headers["content-type"]) == (200, ["text/html; charset=utf-8"])
    assert all(f'value="{user}"' in body.decode() for user in USERS.values())
    links = re.findall('<link [^>]*href="([^"]+)"', body.decode())
    assert links
    for link in [*links, "/dev/fonts/manrope.woff2"]:
        assert link.startswith("/dev/"), "a development server forwards only this path"
        assert send_request(studio, "GET", link)[0] == 200


@pytest.mark.parametrize(
    ("user_id", "name"), [(USERS["Ada"], "Ada"), ("abcdef" * 4, "User abcdef"), ("<b>1", "User <b>1")]
)
def test_pages_name_the_signed_in_user(studio: HTTPServer, up: Stack, user_id: str, name: str) -> None:
    cookie = f"other=1; session={make_token(up, user_id=user_id)}"
    settings = json.loads(send_request(studio, "GET", "/config.json", Cookie=cookie)[2])
    assert (settings["user"], settings["signOutUrl"]) == (name, "/dev/logout")
    page = send_request(studio, "GET", "/dev/login", Cookie=cookie)[2].decode()
    assert f"You’re signed in as {html.escape(name)}." in page
    assert '<form method="post" action="/dev/logout" >' in page


@pytest.mark.parametrize("minutes", [-1, None])
def test_pages_offer_no_sign_out_without_a_session(studio: HTTPServer, up: Stack, minutes: float | None) -> None:
    token = "none" if minutes is None else make_token(up, minutes=minutes)
    assert "user" not in json.loads(send_request(studio, "GET", "/config.json", Cookie=f"session={token}")[2])
    assert b'action="/dev/logout" hidden' in send_request(studio, "GET", "/dev/login", Cookie=f"session={token}")[2]


def test_deployed_files_do_not_refer_to_the_sign_in() -> None:
    deployed = [ROOT / "template.yaml", *(ROOT / "web").rglob("*.*"), *(ROOT / "functions").rglob("*.py")]
    deployed += (ROOT / "layers").rglob("*.py")
    assert len(deployed) > 50
    assert not [path for path in deployed if b"/dev/log" in path.read_bytes()]


def send_raw(studio: HTTPServer, head: str) -> bytes:
    """Send the lines as they are, and return everything that is received."""
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
def test_a_body_of_unknown_length_is_refused_and_the_connection_closed(
    studio: HTTPServer, line: str, status: int
) -> None:
    received_bytes = send_raw(studio, f"POST /api/videos/generate HTTP/1.1\r\n{line}")
    assert received_bytes.startswith(f"HTTP/1.1 {status} ".encode())
    assert received_bytes.count(b"HTTP/1.1") == 1


SMUGGLED = "POST /dev/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 29\r\n\r\nuser=65a1b2c3d4e5f60718293a4b"


@pytest.mark.usefixtures("up")
@pytest.mark.parametrize(
    "head",
    [
        "POST /x HTTP/1.1\r\nHost: 127.0.0.1",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1",
        "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1",
        "GET /config.json HTTP/1.1\r\nHost: localhost:1",
        "HEAD /dev/ready HTTP/1.1\r\nHost: 127.0.0.1",
        "OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1",
        "GET /dev/login HTTP/1.1\r\nHost: 127.0.0.1",
        "POST /dev/logout HTTP/1.1\r\nHost: 127.0.0.1",
        "POST /dev/logout HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site",
        "POST /dev/login HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site",
        "POST /x HTTP/1.1\r\nHost: rebound.example",
        "POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: rebound.example",
        "POST /x HTTP/1.1",
        "POST http://[/x HTTP/1.1\r\nHost: 127.0.0.1",
        "POST /api/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked",
        "POST /dev/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked",
        "POST /api/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0",
        "POST /dev/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0",
        "GET /dev/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0",
        "GET /dev/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nno header\r\nX: y",
        "GET /dev/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nX : y",
    ],
)
def test_a_body_that_was_not_read_is_not_the_next_request(studio: HTTPServer, head: str) -> None:
    with socket.create_connection(("127.0.0.1", studio.server_port), 10) as connection:
        connection.sendall(f"{head}\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}".encode())
        received = b""
        with contextlib.suppress(ConnectionResetError):  # the rest of the body was not read
            received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"Set-Cookie: session=ey" not in received
    assert received.count(b"HTTP/1.1") <= 1


@pytest.mark.usefixtures("up")
def test_a_connection_is_kept_after_a_body_that_was_read(studio: HTTPServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=10)
    for _ in range(2):
        connection.request("POST", "/api/videos/generate", "{}")
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (200, None)
        response.read()
    connection.close()


@pytest.mark.usefixtures("up")
@pytest.mark.parametrize("length", ["", "x", "-1", "\u0663", "99999999999999999999"])
def test_a_sign_in_of_unknown_length_is_refused(studio: HTTPServer, length: str) -> None:
    assert send_raw(studio, f"POST /dev/login HTTP/1.1\r\nContent-Length: {length}").startswith(b"HTTP/1.1 400 ")


@pytest.mark.usefixtures("up")
def test_a_sign_in_that_is_not_text_is_refused(studio: HTTPServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=10)
    connection.request("POST", "/dev/login", b"user=\xff\xfe")
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.usefixtures("up")
def test_signing_out_from_the_page_of_another_site_is_refused(studio: HTTPServer) -> None:
    assert send_request(studio, "POST", "/dev/logout", Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.usefixtures("up")
def test_a_client_that_stops_sending_is_disconnected_and_does_not_block_others(
    studio: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StudioHandler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", studio.server_port), 10) as slow:
        slow.sendall(b"POST /api/videos/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        assert send_request(studio, "GET", "/dev/ready")[0] == 204
        assert slow.recv(65536) == b""
