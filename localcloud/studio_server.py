"""Server of the studio on this machine: its files, the API, live updates and a sign-in page at one origin.

A development server of another page can forward `/api`, `/dev` and the WebSocket `/live` to it.

`make up` starts it as a separate process. It reads `stack.json` for each request, because a deployment can change the
URL of the API.
"""

import hashlib
import html
import http.client
import json
import re
import socket
import sys
import urllib.parse
from collections.abc import Iterable, Set
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.forwarding import join
from localcloud.local_sessions import USERS, InvalidSignIn, name_cookie, read_user, sign_in, translate_cookies
from localcloud.pages import CACHE_CONTROL, SETTINGS, find_pages, make_settings, media_type
from localcloud.stack import Stack
from localcloud.template import read_page_headers

LIVE = "/live"
DEVELOPMENT = "/dev/"
SIGN_IN = "/dev/login"
SIGN_IN_STYLE = "/dev/login.css"
SIGN_OUT = "/dev/logout"
READY = "/dev/ready"
_API_SECONDS = 30
_MAXIMUM_BODY_BYTES = 10 * 1024 * 1024
"""The limit of API Gateway."""
_LENGTH = re.compile(r"[0-9]{1,15}")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"})


def make_server(config: CloudConfig, port: int) -> ThreadingHTTPServer:
    """Return a server of the studio that listens on the port; the caller runs and closes it.

    Raises:
        OSError: If the port is in use.
    """
    return ThreadingHTTPServer((config.host, port), partial(StudioHandler, config))


class StudioHandler(BaseHTTPRequestHandler):
    """Handler of one connection: serves the studio's files and a sign-in page, and forwards `/api/` to the API.

    If the system is not running, a request for the API gets status 503.
    """

    protocol_version = "HTTP/1.1"
    timeout = 30
    """Seconds until a read from the client times out, so that a stalled client does not keep a thread."""

    def __init__(self, config: CloudConfig, *arguments: object) -> None:
        """Set the configuration before the base class handles the request, which it does in its `__init__`."""
        self._config = config
        super().__init__(*arguments)  # type: ignore[arg-type]

    def _answer_request(self) -> None:
        lengths, hosts = self.headers.get_all("Content-Length", []), self.headers.get_all("Host", [])
        self._has_unread_body = "Transfer-Encoding" in self.headers or lengths not in ([], ["0"])
        try:
            path = urllib.parse.urlsplit(self.path).path
        except ValueError:
            path = ""
        # Lines that are no headers end the headers for Python, but not for other programs.
        if not path or len(hosts) != 1 or self.headers.defects or self.headers.get_payload():
            self._has_unread_body = True
            self._answer(400, b"")
        # Against DNS rebinding: a page of another site can reach this server only with that site's name as Host.
        elif hosts[0].partition(":")[0] not in {self._config.host, "localhost"}:
            self._answer(421, b"")
        elif path.startswith("/api/"):
            self._pass_on()
        elif path == LIVE and self.headers.get("Upgrade", "").lower() == "websocket":
            self._forward_live()
        elif path == SIGN_IN:
            self._sign_in()
        elif path == SIGN_OUT and self.command == "POST":
            self._sign_out()
        elif self.command not in {"GET", "HEAD"}:
            self._answer(405, b"")
        elif path == READY:
            self._answer(204, b"")
        elif path == SIGN_IN_STYLE:
            self._answer(200, (self._config.root / "localcloud" / "sign_in.css").read_bytes(), media_type(path))
        elif path == f"/{SETTINGS}":
            self._answer(200, self._settings(), "application/json")
        else:  # the sign-in page finds its style and fonts below its own path, which a development server forwards
            self._show_file(path.replace(DEVELOPMENT, "/", 1) if path.startswith(DEVELOPMENT) else path)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer_request  # noqa: N815

    def _show_file(self, path: str) -> None:
        name = path.removeprefix("/") or "index.html"
        file = find_pages(self._config.pages).get(name)
        if file is None:
            self._answer(404, b"No file matches this path.", "text/plain")
            return
        content = file.read_bytes()
        headers = [("ETag", f'"{hashlib.sha256(content).hexdigest()[:16]}"'), ("Cache-Control", CACHE_CONTROL)]
        if self.headers.get("If-None-Match") == headers[0][1]:
            self._answer(304, b"", headers=headers)
        else:
            self._answer(200, content, media_type(name), headers)

    def _settings(self) -> bytes:
        stack = self._stack()
        user = self._read_user(stack)
        session = {"user": user, "signOutUrl": SIGN_OUT} if user else {}
        return make_settings(stack.ws_url if stack else None, SIGN_IN, **session)

    def _read_user(self, stack: Stack | None) -> str | None:
        return read_user(stack, self.headers.get("Cookie", ""), self._cookie_name(stack)) if stack else None

    def _pass_on(self) -> None:
        """Forward the request to the API and return its response unchanged; redirects are left to the browser."""
        stack = self._stack()
        if stack is None:
            self._refuse()
            return
        body = self._read_body()
        if body is None:
            return
        api = urllib.parse.urlsplit(stack.api_url)
        sent = dict(self._headers_for_api(stack, _HOP_BY_HOP))
        connection = http.client.HTTPConnection(api.netloc, timeout=_API_SECONDS)
        try:
            connection.request(self.command, api.path + self.path, body or None, sent)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._refuse()
        else:
            excluded = _HOP_BY_HOP | {"content-length"}
            headers = [header for header in response.getheaders() if header[0].lower() not in excluded]
            self._answer(response.status, content, headers=headers, by_api=True)
        finally:
            connection.close()

    def _headers_for_api(self, stack: Stack, excluded: Set[str]) -> Iterable[tuple[str, str]]:
        for name, value in self.headers.items():
            if name.lower() == "cookie":
                cookies = translate_cookies(value, cookie_name=stack.cookie_name, page_cookie=self._cookie_name(stack))
                yield name, cookies
            elif name.lower() not in excluded:
                yield name, value

    def _forward_live(self) -> None:
        """Forward a WebSocket to the API, from its handshake until it is closed."""
        stack = self._stack()
        if stack is None or stack.ws_url is None:
            self._refuse()
            return
        live, query = urllib.parse.urlsplit(stack.ws_url), urllib.parse.urlsplit(self.path).query
        lines = [f"GET {live.path}?{query} HTTP/1.1".replace("? ", " "), f"Host: {live.netloc}"]
        lines += [f"{name}: {value}" for name, value in self._headers_for_api(stack, frozenset({"host"}))]
        try:
            api = socket.create_connection((live.hostname or "", live.port or 80), _API_SECONDS)
        except OSError:
            self._refuse()
            return
        api.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for connection in (self.connection, api):
            connection.settimeout(None)
        self.close_connection = True
        join(self.connection, api)

    def _read_body(self) -> bytes | None:
        """Return the body, or respond with an error and return None if its length is unknown or exceeds the limit."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            self._answer(400, b"")
        elif int(lengths[0]) > _MAXIMUM_BODY_BYTES:
            self._answer(413, b"")
        else:
            body = self.rfile.read(int(lengths[0]))
            self._has_unread_body = False
            return body
        return None

    def _refuse(self) -> None:
        message = "The local system is not running or is still starting. Try again in a moment."
        error = {"code": "UNAVAILABLE", "message": message, "details": []}
        body = json.dumps({"success": False, "error": error, "requestId": "local"}).encode()
        self._answer(503, body, "application/json", [("Retry-After", "2")])

    def _sign_in(self) -> None:
        if self.command != "POST":
            self._answer(200, self._sign_in_page().encode(), "text/html; charset=utf-8")
            return
        body = None if self._refuses_other_site() else self._read_body()
        if body is None:
            return
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        stack = self._stack()
        if stack is None:
            self._answer(503, b"The local system is not running. Start it:  make up", "text/plain")
        else:
            try:
                token, seconds = sign_in(stack, form)
            except InvalidSignIn as error:
                self._answer(400, str(error).encode(), "text/plain")
            else:
                self._redirect(self._cookie(token, max_age=seconds), to="/")

    def _sign_in_page(self) -> str:
        template = Template((self._config.root / "localcloud" / "sign_in.html").read_text())
        user = self._read_user(self._stack())
        return template.substitute(
            title="Account" if user else "Sign in",
            session=f"You’re signed in as {html.escape(user)}." if user else "You’re signed out.",
            hidden="" if user else "hidden",
            users="".join(f'<button name="user" value="{user_id}">{name}</button>' for name, user_id in USERS.items()),
            ids="".join(f"<li>{name}: <code>{user_id}</code></li>" for name, user_id in USERS.items()),
        )

    def _sign_out(self) -> None:
        if not self._refuses_other_site():
            self._redirect(self._cookie("", max_age=0), to=SIGN_IN)

    def _refuses_other_site(self) -> bool:
        """Respond with 403 and return True if the page of another site sent the request."""
        is_foreign = self.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}
        if is_foreign:
            self._answer(403, b"")
        return is_foreign

    def _cookie(self, value: str, *, max_age: int) -> str:
        return f"{self._cookie_name(self._stack())}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}"

    def _cookie_name(self, stack: Stack | None) -> str:
        name = stack.cookie_name if stack else "token"
        return name_cookie(name, self.headers.get("Host", ""), self.connection.getsockname()[1])

    def _redirect(self, cookie: str, *, to: str) -> None:
        self._answer(303, b"", headers=[("Set-Cookie", cookie), ("Location", to)])

    def _stack(self) -> Stack | None:
        try:
            return Stack.read(self._config)
        except LocalCloudError:
            return None

    def _answer(
        self,
        status: int,
        body: bytes,
        media_type: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        by_api: bool = False,
    ) -> None:
        self.send_response(status)
        if self._has_unread_body:  # it would be read as the next request
            self.send_header("Connection", "close")
        for name, value in [*headers, *([] if by_api else self._page_headers())]:
            self.send_header(name, value)
        if media_type:
            self.send_header("Content-Type", media_type)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _page_headers(self) -> Iterable[tuple[str, str]]:
        stack = self._stack()
        videos = stack.aws_endpoint_url if stack else "'self'"
        live = videos.replace("http:", "ws:", 1)
        return read_page_headers(self._config.root / "infrastructure" / "studio.yaml", videos=videos, live=live).items()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the base class
        """Log nothing; the browser's developer tools show the requests."""


if __name__ == "__main__":
    make_server(CloudConfig.from_environment(), int(sys.argv[1])).serve_forever()
