"""SecantusDB in a separate process, free ports, and the handling of missing services."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
import pymongo.errors
import pytest

_PINNED = Path(__file__).resolve().parent.parent / ".local" / "cloud" / "bin" / "secantusd-py"
_START_SECONDS = 120


@contextmanager
def secantusdb(folder: Path, *options: str, port: int = 0) -> Iterator[str]:
    """Start a SecantusDB that stores its files in `folder`, yield its address `host:port`, and stop it afterwards.

    `options` are additional command-line arguments. With port 0, a free port is used.
    """
    command = str(_PINNED) if _PINNED.exists() else shutil.which("secantusd-py")
    if command is None:
        missing("SecantusDB is not installed. Run `make up` once to install it.")
    port = port or free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder), "--log-level", "ERROR"]
    with (folder.parent / f"secantusdb-{port}.log").open("wb") as log:
        server = subprocess.Popen([str(command), *arguments, *options], stdout=log, stderr=log, cwd=folder)
        try:
            _wait_until_ready(server, port)
            yield f"127.0.0.1:{port}"
        finally:
            server.kill()  # its files are no longer needed, and a clean stop takes two seconds
            server.wait()


def missing(what: str) -> None:
    """Skip the current test because a service is missing, or fail it if `CI` is set. `what` is the message."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def free_port() -> int:
    """Return a local TCP port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with pymongo.MongoClient[dict[str, object]](
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=200
    ) as client:
        while True:
            try:
                client.admin.command("ping")
            except pymongo.errors.PyMongoError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
            else:
                return
