"""HTTP receiver of webhooks on a thread. A test sets its responses; it keeps the requests."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

type Answer = int | Callable[[socket.socket, Event], None]
"""An HTTP status, or a function that controls the connection until the event is set at the end of the test."""


@dataclass(frozen=True, slots=True)
class Received:
    """One POST request. The names in `headers` are in lower case."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """The requests to `url`. Each consumes the first of `answers`; when none is left, `decide` returns the response."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    decide: Callable[[Received], Answer] = lambda _: 204
    got: list[Received] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    over: Event = field(default_factory=Event)

    def take(self, received: Received) -> Answer:
        """Record a request and return its response."""
        with self.lock:
            self.got.append(received)
            return self.answers.pop(0) if self.answers else self.decide(received)


@contextmanager
def receiving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yield a receiver on a free port. It uses HTTPS if `tls` is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            response = receiver.take(Received(self.path, headers, body))
            if callable(response):
                response(self.connection, receiver.over)
                return
            self.send_response(response)
            if 300 <= response < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write no log."""

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[socket.socket, object]:
            connection, address = super().get_request()
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore clients that disconnect or send nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/hooks", list(answers))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def silent(connection: socket.socket, over: Event) -> None:
    """Send nothing."""
    over.wait()


def dripping(connection: socket.socket, over: Event) -> None:
    """Send a byte every 20 ms, so that a timeout between two bytes never expires."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while not over.wait(0.02):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def hanging_up(connection: socket.socket, over: Event) -> None:
    """Close the connection in the middle of the response."""
    connection.sendall(b"HTTP/1.1 20")
    connection.shutdown(socket.SHUT_RDWR)


def babbling(connection: socket.socket, over: Event) -> None:
    """Send a response that is not HTTP."""
    connection.sendall(b"\x00\x01 nothing that anybody could read\r\n\r\n")


def saying(content: bytes, *, drip: bool = False, repeated: bool = False) -> Answer:
    """Return a function that sends these bytes once, or again and again, then more bytes or the end."""

    def answer(connection: socket.socket, over: Event) -> None:
        with suppress(OSError):
            connection.sendall(content * 10_000 if repeated else content)
            while drip and not over.wait(0.02):
                connection.sendall(b"x")
            connection.shutdown(socket.SHUT_RDWR)

    return answer
