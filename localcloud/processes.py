"""Processes of a local system: start, search and end.

A process is found by variables in its environment, which its children inherit, and not by a pid file: a pid file can
be stale or half-written, or contain the ID of an unrelated process.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from localcloud.errors import CommandFailedError

# A missing variable counts as empty, so that processes that an older version started are found as well.
_HOME, _ROLE, _PORT, _VERSION = "LOCALCLOUD_HOME", "LOCALCLOUD_ROLE", "LOCALCLOUD_PORT", "LOCALCLOUD_VERSION"
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_TAIL_LINES = 25
_CLEAN_UP_SECONDS = 30.0
_LOG_KEPT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class MarkedProcess:
    """Process of a local system, found by the variables in its environment that mark its state folder, role and port.

    It is a snapshot, so the process may have ended since.
    """

    pid: int
    role: str
    """Purpose of the process or of its parent: `aws`, `mongo`, `web`, `tool` or `test`."""
    port: int
    """Port on which it listens; 0 if it does not listen."""
    version: str
    """Version of the code and packages that it was started with. A server of another version must be replaced."""
    leads: bool
    """Whether it was started by this package, rather than being a child of such a process."""
    function: str = ""
    """Deployed name of the Lambda function that it runs; empty if it does not run one."""


def find_processes(state: Path) -> list[MarkedProcess]:
    """Return every live process of the system whose state folder is `state`, including the functions' workers.

    A process is found by the variables in its environment. Processes of other users are not found.
    """
    processes = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # the process has ended, or belongs to another user
            variables = process.environ()
            if variables.get(_HOME) == str(state):
                port, version = int(variables.get(_PORT) or 0), variables.get(_VERSION, "")
                leads = os.getsid(process.pid) == process.pid
                role, function = variables.get(_ROLE, ""), variables.get(_FUNCTION, "")
                processes.append(MarkedProcess(process.pid, role, port, version, leads=leads, function=function))
    return processes


def read_variables(process: MarkedProcess) -> dict[str, str]:
    """Return the environment that a process was started with; empty if the process has ended."""
    try:
        return psutil.Process(process.pid).environ()
    except psutil.Error:
        return {}


def read_memory(process: MarkedProcess) -> int:
    """Return the resident memory of a process in bytes; 0 if the process has ended."""
    try:
        return psutil.Process(process.pid).memory_info().rss
    except psutil.Error:
        return 0


def find_server(state: Path, role: str) -> MarkedProcess | None:
    """Return the running process that `start_server` started in a role, such as `aws` or `mongo`; None if none runs."""
    return next((process for process in find_processes(state) if process.role == role and process.leads), None)


def start_server(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    state: Path,
    role: str,
    port: int,
    version: str,
) -> "subprocess.Popen[bytes]":
    """Start a process in its own session, so that it outlives this one, and return it without waiting.

    Its output is appended to `log`; a log over 5 MB is renamed first. Its environment is marked with `state`, `role`,
    `port` and `version`, by which `find_processes` finds it.

    Raises:
        OSError: If the program can't be started, for example because it is not installed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=state,
            env={**environment, _HOME: str(state), _ROLE: role, _PORT: str(port), _VERSION: version},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run_tool(command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path, state: Path) -> None:
    """Run a command until it ends, without a time limit, and write its output to `log`.

    Raises:
        CommandFailedError: If its exit status is not 0; the message ends with the last lines of `log`.
        OSError: If the program can't be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        result = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env={**environment, _HOME: str(state), _ROLE: "tool"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if result.returncode != 0:
        name = " ".join(command[:2])
        raise CommandFailedError(f"`{name}` failed with status {result.returncode}. The end of {log}:\n{tail(log)}")


def run_in_foreground(
    command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, state: Path, role: str
) -> int:
    """Run a command that uses this terminal, and return its exit status, which is negative if a signal ended it.

    Ctrl-C reaches the command through the terminal. Any other interruption of this process sends it SIGTERM. In both
    cases the command has 30 s to clean up before it is killed.

    Raises:
        OSError: If the program can't be started.
        KeyboardInterrupt, SystemExit: If this process is interrupted; raised again after the command has ended.
    """
    marked = {**environment, _HOME: str(state), _ROLE: role}
    with subprocess.Popen(command, cwd=cwd, env=marked) as process:
        try:
            return process.wait()
        except BaseException as interruption:
            if not isinstance(interruption, KeyboardInterrupt):
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                process.wait(_CLEAN_UP_SECONDS)
            process.kill()
            raise


def end_processes(processes: Iterable[MarkedProcess], *, grace_seconds: float) -> bool:
    """End processes, and return whether all of them ended without being killed.

    Each gets SIGTERM, so that a server can save its state; one that still runs after `grace_seconds` gets SIGKILL.
    Takes up to twice that time.
    """
    left = _signal_and_wait([process.pid for process in processes], signal.SIGTERM, grace_seconds)
    _signal_and_wait(left, signal.SIGKILL, grace_seconds)
    return not left


def kill_process(process: MarkedProcess, *, timeout_seconds: float) -> bool:
    """Send SIGKILL to a process, wait until it has ended and its port is free, and return whether it has ended."""
    return not _signal_and_wait([process.pid], signal.SIGKILL, timeout_seconds)


def tail(log: Path) -> str:
    """Return the last 25 lines of a log, indented, for an error message; empty if there is no log."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])


def _signal_and_wait(pids: Sequence[int], number: signal.Signals, seconds: float) -> list[int]:
    """Send a signal to processes, wait until they have ended, and return those that still run after `seconds`.

    `psutil.wait_procs` would count a zombie as running, and would consume the exit status of a child of this process.
    """
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).send_signal(number)
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if _is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
