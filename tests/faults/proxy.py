"""TCP proxy in front of MongoDB that records commands, can lose their responses, and can close every connection."""

import socket
import struct
import threading
from contextlib import suppress

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013


class LossyProxy:
    """Proxy that forwards message by message. `lose` and `cut` inject faults."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._losses: dict[str, int] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.commands: list[str] = []
        """The names of the commands that were executed, in order."""
        self.lost: list[str] = []
        """The commands whose responses were lost."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Return the `host:port` of the proxy."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def lose(self, command: str, *, responses: int) -> None:
        """Execute the next `answers` calls of a command, and close the connection instead of returning the response."""
        self._losses[command] = responses

    def cut(self) -> None:
        """Close every open connection."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop the proxy."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._target) as server:
            with self._lock:
                self._open |= {client, server}
            try:
                while request := _read_message(client):
                    server.sendall(request)
                    self.commands.append(_command(request))
                    response = _read_message(server)
                    if not response or self._loses(request):
                        return
                    client.sendall(response)
            finally:
                with self._lock:
                    self._open -= {client, server}

    def _loses(self, request: bytes) -> bool:
        command = _command(request)
        with self._lock:
            if not self._losses.get(command):
                return False
            self._losses[command] -= 1
            self.lost.append(command)
            return True


def _read_message(connection: socket.socket) -> bytes:
    header = _read(connection, 4)
    return header + _read(connection, struct.unpack("<i", header)[0] - 4) if header else b""


def _read(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            return b""
        content += part
    return content


def _command(message: bytes) -> str:
    """Return the first key in the body of an OP_MSG, which is the name of the command; empty for other messages."""
    if _HEADER.unpack_from(message)[3] != _OP_MSG:
        return ""
    first = 16 + 4 + 1 + 4 + 1  # header, flags, kind of section, the document's length, the type of its first element
    return message[first : message.index(b"\0", first)].decode()
