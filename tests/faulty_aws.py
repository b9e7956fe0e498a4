"""A TCP server that responds as an AWS service and fails as scripted."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Barrier, Thread
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """A response with JSON. With `status` 0 there is none, and the connection is closed."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    """Sent in place of the JSON."""
    truncated: bool = False
    """Whether the connection is reset before the end of the body."""
    late: bool = False
    """Whether there is no response until the client closes the connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """A received request. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The number of its connection, from 1."""


@dataclass
class FaultyAws:
    """The server: it returns the scripted responses in turn, and repeats the last."""

    responses: list[Response]
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    connections: list[Thread] = field(default_factory=list)
    stale: int = 0
    """The number of connections, from the first, that end at their next request."""

    barrier: Barrier | None = None

    def hold_until(self, count: int) -> None:
        """Respond to the next requests only after `count` of them were received."""
        self.barrier = Barrier(count)

    def make_stale(self) -> None:
        """End all present connections at their next request, as if they had been closed while Lambda was frozen."""
        self.stale, self.barrier = len(self.connections), None

    def respond(self, client: socket.socket, number: int) -> None:
        """Respond to the requests of a connection until it ends, or the client resets it."""
        with suppress(ConnectionError), client, client.makefile("rb") as stream:
            while start := stream.readline():
                method, path, _ = start.decode().split(" ", 2)
                headers: dict[str, str] = {}
                while line := stream.readline().strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                if number <= self.stale:
                    return
                self.requests.append(Request(method, path, headers, body, number))
                if self.barrier:
                    self.barrier.wait(timeout=30)
                response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
                if response.late:
                    stream.read(1)  # until the client closes the connection
                    return
                if not response.status:
                    return
                content = json.dumps(response.body).encode() if response.raw is None else response.raw
                head = f"HTTP/1.1 {response.status} Scripted\r\nContent-Length: {len(content)}\r\n"
                head += "Content-Type: application/x-amz-json-1.0\r\n\r\n"
                if response.truncated:
                    client.sendall(head.encode() + content[: len(content) // 2])
                    # A close with this option sends RST in place of FIN.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                client.sendall(head.encode() + content)


@contextmanager
def faulty_aws(*responses: Response) -> Iterator[FaultyAws]:
    """Start the server on a free port, yield it, and accept no more connections afterwards."""
    server = FaultyAws(list(responses))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # the test has ended
                    return
                thread = Thread(target=server.respond, args=(client, len(server.connections) + 1), daemon=True)
                server.connections.append(thread)
                thread.start()

        acceptor = Thread(target=accept, daemon=True)
        acceptor.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        acceptor.join()
