"""TCP forwarding: containers reach servers that listen only on the loopback address, and pages the WebSocket."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence

_CHUNK_BYTES = 65_536


@contextlib.contextmanager
def forwarded(address: str, ports: Sequence[int], *, to: str) -> Iterator[None]:
    """Forward connections to `address` to the same ports of `to` during the block.

    Raises:
        OSError: If `address` does not belong to this machine or a port is in use.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((address, port))) for port in ports]
        for listener, port in zip(listeners, ports, strict=True):
            threading.Thread(target=_accept, args=(listener, (to, port)), daemon=True).start()
        yield


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # the block has ended and closed the listener
        while True:
            caller, _ = listener.accept()
            try:
                callee = socket.create_connection(target)
            except OSError:
                caller.close()
                continue
            threading.Thread(target=join, args=(caller, callee), daemon=True).start()


def join(caller: socket.socket, callee: socket.socket) -> None:
    """Forward bytes between two connections in both directions until one of them ends, then close both."""
    back = threading.Thread(target=_pump, args=(callee, caller), daemon=True)
    back.start()
    _pump(caller, callee)
    back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
    for connection in (source, sink):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
