"""Programs from npm: installed once in the versions of the lock file. Servers run on ports of their own."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.servers import missing
from tools.node_packages import NPM, NodeMissing, install_packages

_START_SECONDS = 60
_RUN_SECONDS = 120
_OFFLINE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@dataclass
class NodeServer:
    """Running server; `lines` is its output so far."""

    url: str = ""
    lines: list[str] = field(default_factory=list)


def installed(folder: Path) -> Path:
    """Install the packages of the lock file in `folder`; without Node or a registry, call `missing`.

    Return the path of `node_modules`.
    """
    try:
        return install_packages(folder)
    except NodeMissing as error:
        missing(str(error))
        raise  # not reached: `missing` raises


def install() -> None:
    """Install the packages of the tests; without Node or a registry, call `missing`."""
    installed(NPM)


def run(*command: str | Path, folder: Path = NPM) -> "subprocess.CompletedProcess[str]":
    """Run a program in Node in a folder, installed first if necessary, and return it with its output."""
    install()
    return subprocess.run(
        ["node", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_RUN_SECONDS,
        env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "0", **_OFFLINE},
    )


@contextmanager
def running(*command: str | Path, ready: str = r"listening on (http://\S+)") -> Iterator[NodeServer]:
    """Run a program in Node, and yield its server once it prints its address. Kill it and its children at the end."""
    process = subprocess.Popen(
        ["node", *command],
        cwd=NPM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "0"},
    )
    server, settled = NodeServer(), Event()
    reader = Thread(target=_read, args=(process, server, re.compile(ready), settled), daemon=True)
    reader.start()
    try:
        settled.wait(_START_SECONDS)
        if not server.url:
            pytest.fail(f"{_named(command)} did not start:\n{''.join(server.lines)}")
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _read(process: "subprocess.Popen[str]", server: NodeServer, ready: re.Pattern[str], settled: Event) -> None:
    assert process.stdout
    for line in process.stdout:
        server.lines.append(line)
        if not server.url and (match := ready.search(line)):
            server.url = match[1].rstrip("/")
            settled.set()
    settled.set()


def _named(command: Sequence[str | Path]) -> str:
    return Path(command[0]).name
