"""TCP proxy that delays each direction, as a network between a function and its database does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

ROUND_TRIP_SECONDS = 0.001


@contextmanager
def delayed(mongo_uri: str) -> Iterator[str]:
    """Return `mongo_uri` with the address of a proxy that adds `ROUND_TRIP_SECONDS`, half of it in each direction.

    The URI must name one server and have a query. `directConnection` keeps a driver from connecting to the address that
    the server reports.

    Raises:
        OSError: If no port is free.
    """
    target = urlsplit(mongo_uri)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, (target.hostname, target.port)), daemon=True).start()
    try:
        proxied = mongo_uri.replace(target.netloc, f"127.0.0.1:{listener.getsockname()[1]}", 1)
        yield f"{proxied}&directConnection=true"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, target: tuple[str | None, int | None]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((target[0] or "", target[1] or 0))
            for source, sink in ((client, server), (server, client)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_forward, args=(source, sink), daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(1 << 16):
            time.sleep(ROUND_TRIP_SECONDS / 2)
            sink.sendall(received)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
