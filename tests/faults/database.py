"""A MongoDB of a test's own, which can be killed and started again on the same files."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.servers import free_port, secantusdb


class OwnDatabase:
    """A SecantusDB process; ends with the block."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._running = ExitStack()

    @property
    def address(self) -> str:
        """`host:port`, the same after each start."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *options: str) -> None:
        """Start it, on the files that are there."""
        self._running.enter_context(secantusdb(self._folder, *options, port=self._port))

    def kill(self) -> None:
        """SIGKILL."""
        self._running.close()
