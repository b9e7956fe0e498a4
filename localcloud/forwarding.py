"""TCP forwarding, through which containers reach servers that listen only on the loopback address."""

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
            for source, sink in ((caller, callee), (callee, caller)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
    for connection in (source, sink):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
