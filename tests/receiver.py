"""A real HTTP receiver of webhooks, on a thread: it answers as a test tells it to, and keeps what it got."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

type Answer = int | Callable[[socket.socket, Event], None]
"""A status, or a function that does with the connection what it likes until the event is set, when the test is over."""


@dataclass(frozen=True, slots=True)
class Received:
    """One post. `headers` are in lower case."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """What came to `url`. Each post takes the first of `answers` off; when there is none left, `decide` says (204)."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    decide: Callable[[Received], Answer] = lambda _: 204
    got: list[Received] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    over: Event = field(default_factory=Event)

    def take(self, received: Received) -> Answer:
        """Keep a post and say how it is answered."""
        with self.lock:
            self.got.append(received)
            return self.answers.pop(0) if self.answers else self.decide(received)


@contextmanager
def receiving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver at a port of its own; with `tls` it speaks https."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = receiver.take(Received(self.path, headers, body))
            if callable(answer):
                answer(self.connection, receiver.over)
                return
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silence."""

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[socket.socket, object]:
            connection, address = super().get_request()
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

        def handle_error(self, request: object, client_address: object) -> None:
            """Who hangs up, or never meant to speak, is no error here."""

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
    """Say nothing at all."""
    over.wait()


def dripping(connection: socket.socket, over: Event) -> None:
    """Say a byte now and then, so that no time-out between two bytes ever notices."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    while not over.wait(0.02):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def hanging_up(connection: socket.socket, over: Event) -> None:
    """Close in the middle of the answer."""
    connection.sendall(b"HTTP/1.1 20")
    connection.shutdown(socket.SHUT_RDWR)


def babbling(connection: socket.socket, over: Event) -> None:
    """Answer with what is no HTTP."""
    connection.sendall(b"\x00\x01 nothing that anybody could read\r\n\r\n")
