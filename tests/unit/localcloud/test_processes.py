"""Processes are found by their mark and end when they should."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.errors import CommandFailedError
from localcloud.processes import end_processes, find_processes, find_server, run_in_foreground, run_tool, start_server

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end_processes(find_processes(tmp_path), grace_seconds=0)
    wait_for(tmp_path, 0)  # one that was killed while its own parent was may take a moment more to be gone


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """The processes that a test starts, for their parent to hear of their end."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def start(state: Path, code: str, *, version: str = "1") -> "subprocess.Popen[bytes]":
    return start_server(
        [sys.executable, "-c", code],
        environment=os.environ,
        log=state / "logs" / "server.log",
        state=state,
        role="aws",
        port=4566,
        version=version,
    )


def wait_for(state: Path, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(find_processes(state)) != number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_is_found_with_what_it_was_started_as(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, "import time; time.sleep(60)", version="7"))
    wait_for(state, 1)

    server = find_server(state, "aws")

    assert server is not None
    assert (server.pid, server.role, server.port, server.version) == (started[0].pid, "aws", 4566, "7")
    assert find_server(state, "mongo") is None


def test_the_children_of_a_server_that_was_killed_are_still_found(
    state: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    started.append(start(state, PARENT))
    wait_for(state, 2)
    started[0].kill()
    started[0].wait()

    [orphan] = find_processes(state)

    assert not orphan.leads
    assert find_server(state, "aws") is None


def test_the_processes_of_another_folder_are_not_ours(
    state: Path, started: list["subprocess.Popen[bytes]"], tmp_path_factory: pytest.TempPathFactory
) -> None:
    started.append(start(state, "import time; time.sleep(60)"))
    wait_for(state, 1)

    assert find_processes(tmp_path_factory.mktemp("other")) == []


def test_a_server_that_ends_when_asked_has_consented(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, "import time; time.sleep(60)"))
    wait_for(state, 1)

    assert end_processes(find_processes(state), grace_seconds=30) is True
    assert started[0].wait() == -signal.SIGTERM


def test_a_server_that_does_not_listen_is_killed(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, STUBBORN))
    log = state / "logs" / "server.log"
    deadline = time.monotonic() + 30
    while "ready" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert end_processes(find_processes(state), grace_seconds=0.1) is False
    assert started[0].wait() == -signal.SIGKILL


def test_a_tool_that_fails_is_reported_with_its_last_words(state: Path) -> None:
    command = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]

    with pytest.raises(CommandFailedError, match=r"(?s)status 3.*the reason"):
        run_tool(command, environment=os.environ, cwd=state, log=state / "tool.log", state=state)


def test_a_command_in_the_foreground_gives_its_status(state: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(5)"]

    assert run_in_foreground(command, environment=os.environ, cwd=state, state=state, role="test") == 5
