"""Sender of webhooks, signed according to Standard Webhooks (https://www.standardwebhooks.com).

The `standardwebhooks` library signs. The request is one POST of the standard library on a socket that is connected to a
checked address, with one timeout for the whole request (docs/adr/0021).
"""

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from http.client import BadStatusLine, HTTPConnection, HTTPException
from threading import Event, Timer
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook

from videojobs.adapters.public_address import AddressRefused, resolve_public
from videojobs.adapters.retry_after import read_retry_after
from videojobs.domain.errors import Unavailable
from videojobs.domain.trace import continued
from videojobs.ports.changes import WebhookAnswer

CONNECT_SECONDS = 3.0
MAXIMUM_ADDRESSES = 2
"""How many of a host's addresses are tried, each for `CONNECT_SECONDS`."""
ANSWER_SECONDS = 10.0
"""Timeout from the connection to the end of what is read of the response, however slowly a receiver sends bytes."""

MAXIMUM_HEADER_BYTES = 65_536
"""Maximum size of the header lines that are read, of all interim responses and the final one together."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")  # 24 to 64 bytes


class HttpWebhookSender:
    """Sender of webhooks by HTTPS to public addresses. Implements `ports.WebhookSender`."""

    def __init__(
        self, read_secret: Callable[[], str], *, local: bool = False, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """Create the sender; the secret is read at each request.

        Args:
            read_secret: Returns a secret `whsec_…`, or several separated by spaces during a rotation.
            local: Whether plain HTTP and loopback addresses are allowed.
            answer_seconds: The timeout from the connection to the end of what is read of the response.
        """
        self._read_secret, self._local, self._answer_seconds = read_secret, local, answer_seconds

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Sign the body with each secret, send it once, and return the status or the reason why there is none.

        After a success only the status is read, after a failure also `Retry-After`. Redirects are not followed. A
        connection that fails or times out is reported in the returned `reason`.

        Raises:
            Unavailable: If the secret can't be read or is malformed; nothing was sent.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "videojobs-webhooks/1",
            "Connection": "close",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(
                secret.sign(event_id, now, body) for secret in read_signing_secrets(self._read_secret())
            ),
        }
        if traceparent := continued():
            headers["traceparent"] = traceparent
        try:
            return self._post(_read_url(url, local=self._local), headers, body.encode())
        except AddressRefused as error:
            return WebhookAnswer(None, str(error))
        except TimeoutError:
            return WebhookAnswer(None, "no response before the timeout")
        except ssl.SSLError as error:
            return WebhookAnswer(None, f"TLS: {error.reason or type(error).__name__}")
        except (OSError, HTTPException) as error:
            return WebhookAnswer(None, type(error).__name__)

    def _post(self, target: SplitResult, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Send the request and return the response."""
        host, port = str(target.hostname), target.port or (443 if target.scheme == "https" else 80)
        addresses = resolve_public(host, port, or_loopback=self._local)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        with _connect(addresses[:MAXIMUM_ADDRESSES], port) as plain:
            encrypted = target.scheme == "https"
            connection = self._wrap(plain, host) if encrypted else plain
            with connection, _cut_off(connection, self._answer_seconds):
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                http = HTTPConnection(host)
                http.sock = connection
                http.request("POST", path, body, {"Host": target.netloc, **headers})
                with connection.makefile("rb") as response:
                    return _read_response(response)

    def _wrap(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        return self._tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def read_signing_secrets(text: str) -> list[Webhook]:
    """Return the signing secrets in the text of the secret, which are separated by white space.

    Raises:
        Unavailable: If the text is empty or a secret is malformed.
    """
    secrets = text.split()
    if not secrets or not all(_SECRET.fullmatch(secret) for secret in secrets):
        raise Unavailable from ValueError("The webhook secret is not `whsec_` and the base64 of 24 to 64 bytes.")
    return [Webhook(secret) for secret in secrets]


def _read_url(url: str, *, local: bool) -> SplitResult:
    """Return the parsed URL; raise `AddressRefused` if it is malformed, has a user name or is not HTTPS."""
    try:
        target = urlsplit(url)
        readable = url.isascii() and bool(target.hostname) and target.port != 0
    except ValueError:
        readable = False
    if not readable or "@" in target.netloc:
        raise AddressRefused("the URL is malformed or contains a user name")
    if target.scheme != "https" and not (local and target.scheme == "http"):
        raise AddressRefused("the URL is not https")
    return target


def _read_response(stream: BinaryIO) -> WebhookAnswer:
    """Return the final response: interim responses, such as 103, are skipped (RFC 9110, 15.2).

    `http.client` would skip only 100, and reject a response with more than 100 header lines.

    Raises:
        HTTPException: If there is no HTTP/1 response, or more than `MAXIMUM_HEADER_BYTES` before its status.
    """
    left = MAXIMUM_HEADER_BYTES
    while match := _STATUS_LINE.fullmatch(stream.readline(max(left, 0))):
        status, left = int(match[1]), left - len(match[0])
        if 200 <= status < 300 or status == 101:
            return WebhookAnswer(status)
        headers: dict[str, str] = {}
        while left > 0 and (line := stream.readline(left)).strip(b"\r\n"):
            left -= len(line)
            name, _, value = line.decode("latin-1").partition(":")
            headers.setdefault(name.lower(), value.strip())
        if status >= 200:
            return WebhookAnswer(status, retry_after_seconds=read_retry_after(headers))
    raise BadStatusLine("")  # the line itself can contain anything


def _connect(addresses: Sequence[str], port: int) -> socket.socket:
    """Return a socket connected to the first address that accepts; raise `OSError` if none does."""
    *first, last = addresses
    for address in first:
        with suppress(OSError):
            return _connect([address], port)
    connection = socket.create_connection((last, port), timeout=CONNECT_SECONDS)
    connection.settimeout(None)  # `_cut_off` limits the time from here on
    return connection


@contextmanager
def _cut_off(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Shut the connection down after `seconds`; a socket's own timeout starts again at each byte.

    Raises:
        TimeoutError: If the time expired before the block ended.
    """
    expired = Event()

    def end() -> None:
        expired.set()
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # SSLSocket.shutdown drops the TLS state in use

    timer = Timer(seconds, end)
    timer.start()
    try:
        yield
    except (OSError, HTTPException) as error:
        if expired.is_set():
            raise TimeoutError from error
        raise
    else:
        if expired.is_set():  # truncated headers are parsed without an error
            raise TimeoutError
    finally:
        timer.cancel()
