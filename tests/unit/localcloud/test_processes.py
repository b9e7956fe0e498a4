"""Local processes: how they are found by their mark, and how they are ended."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localcloud.errors import CommandFailedError
from localcloud.processes import (
    MarkedProcess,
    end_processes,
    find_processes,
    find_server,
    kill_process,
    read_memory,
    read_variables,
    run_in_foreground,
    run_tool,
    start_server,
)

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
LISTENER = (
    "import socket, time; server = socket.create_server(('127.0.0.1', 0)); "
    "print(server.getsockname()[1], flush=True); time.sleep(60)"
)
SLEEP = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
PARENT_THAT_DOES_NOT_WAIT = (
    f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end_processes(find_processes(tmp_path), grace_seconds=0)
    wait_for(tmp_path, 0)  # a process that was killed together with its parent may take a moment to disappear


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Yield a list for the processes that a test starts; they are killed and reaped at the end."""
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


def test_a_server_is_found_with_its_role_port_and_version(
    state: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    started.append(start(state, SLEEP, version="7"))
    wait_for(state, 1)

    server = find_server(state, "aws")

    assert server is not None
    assert (server.pid, server.role, server.port, server.version) == (started[0].pid, "aws", 4566, "7")
    assert find_server(state, "mongo") is None


def test_the_children_of_a_killed_server_are_found(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, PARENT))
    wait_for(state, 2)
    started[0].kill()
    started[0].wait()

    [orphan] = find_processes(state)

    assert not orphan.leads
    assert find_server(state, "aws") is None


def test_processes_of_another_folder_are_not_found(
    state: Path, started: list["subprocess.Popen[bytes]"], tmp_path_factory: pytest.TempPathFactory
) -> None:
    started.append(start(state, SLEEP))
    wait_for(state, 1)

    assert find_processes(tmp_path_factory.mktemp("other")) == []


def test_a_process_of_an_older_version_is_found_without_the_newer_variables(
    state: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    environment = {**os.environ, "LOCALCLOUD_HOME": str(state)}
    started.append(subprocess.Popen([sys.executable, "-c", SLEEP], env=environment))
    wait_for(state, 1)

    assert find_processes(state) == [MarkedProcess(started[0].pid, role="", port=0, version="", leads=False)]


def test_a_process_that_ends_during_the_search_is_skipped(
    state: Path, started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    started += [start(state, SLEEP), start(state, SLEEP)]
    wait_for(state, 2)
    listed = [psutil.Process(process.pid) for process in started]
    started[0].kill()
    started[0].wait()

    with monkeypatch.context() as patched:
        patched.setattr(psutil, "process_iter", lambda: listed)
        [process] = find_processes(state)

    assert process.pid == started[1].pid


def test_a_process_that_has_ended_has_no_variables_and_no_memory(
    state: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    started.append(start(state, SLEEP))
    wait_for(state, 1)
    [running] = find_processes(state)
    assert read_variables(running)["LOCALCLOUD_ROLE"] == "aws"
    assert read_memory(running) > 0

    started[0].kill()
    started[0].wait()

    assert read_variables(running) == {}
    assert read_memory(running) == 0


def test_a_server_that_ends_on_sigterm_counts_as_ended_in_time(
    state: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    started.append(start(state, SLEEP))
    wait_for(state, 1)

    assert end_processes(find_processes(state), grace_seconds=30) is True
    assert started[0].wait() == -signal.SIGTERM


def test_a_server_that_ignores_sigterm_is_killed(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, STUBBORN))
    log = state / "logs" / "server.log"
    deadline = time.monotonic() + 30
    while "ready" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert end_processes(find_processes(state), grace_seconds=0.1) is False
    assert started[0].wait() == -signal.SIGKILL


def test_a_killed_server_has_released_its_port(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, LISTENER))
    log = state / "logs" / "server.log"
    deadline = time.monotonic() + 30
    while not log.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    [process] = find_processes(state)
    assert kill_process(process, timeout_seconds=30) is True
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(log.read_text())))
    assert started[0].wait() == -signal.SIGKILL


def test_a_zombie_counts_as_ended(state: Path, started: list["subprocess.Popen[bytes]"]) -> None:
    started.append(start(state, PARENT_THAT_DOES_NOT_WAIT))
    wait_for(state, 2)
    [child] = [process for process in find_processes(state) if not process.leads]

    assert end_processes([child], grace_seconds=10) is True
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert [process.pid for process in find_processes(state)] == [started[0].pid]


def test_a_failed_tool_is_reported_with_its_last_output(state: Path) -> None:
    command = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]

    with pytest.raises(CommandFailedError, match=r"(?s)status 3.*the reason"):
        run_tool(command, environment=os.environ, cwd=state, log=state / "tool.log", state=state)


def test_a_command_in_the_foreground_returns_its_status(state: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(5)"]

    assert run_in_foreground(command, environment=os.environ, cwd=state, state=state, role="test") == 5
