"""A separate MongoDB for one test, which can be killed and restarted on the same files."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.servers import free_port, secantusdb


class OwnDatabase:
    """A SecantusDB process that is killed at the end of the block."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._running = ExitStack()

    @property
    def address(self) -> str:
        """Return `host:port`, which stays the same after a restart."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *options: str) -> None:
        """Start the server on its existing files."""
        self._running.enter_context(secantusdb(self._folder, *options, port=self._port))

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        self._running.close()
