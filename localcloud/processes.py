"""Starts, finds and ends processes; the only module that does.

A process is found by a mark in its environment, which its children inherit, and not by a pid file: a file can be
stale, half-written, or name a process that is somebody else's by now. Linux alone (it reads `/proc`).
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.errors import CommandFailedError

# The variables of the mark; a missing one counts as empty, so that what an older version started is found as well.
_HOME, _ROLE, _PORT, _VERSION = "LOCALCLOUD_HOME", "LOCALCLOUD_ROLE", "LOCALCLOUD_PORT", "LOCALCLOUD_VERSION"
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TAIL_LINES = 25
_CLEAN_UP_SECONDS = 30.0
_LOG_KEPT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class MarkedProcess:
    """A live process of a local system."""

    pid: int
    role: str
    """What the process, or the one that started it, is for: `aws`, `mongo`, `tool`."""
    port: int
    """Where it listens; 0 if it doesn't."""
    version: str
    """What it was started from: another one of the same role with another version does not stand in for it."""
    leads: bool
    """Whether it is the process that was started, rather than a child of it."""
    function: str = ""
    """The function that it works for, as Lambda names it; empty if none."""


def find_processes(state: Path) -> list[MarkedProcess]:
    """Every live process of the system whose folder is `state`, the functions' workers included."""
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            variables = _read_environment(folder)
            if variables.get(_HOME) == str(state):
                pid = int(folder.name)
                port, version = int(variables.get(_PORT) or 0), variables.get(_VERSION, "")
                leads = os.getsid(pid) == pid
                role, function = variables.get(_ROLE, ""), variables.get(_FUNCTION, "")
                found.append(MarkedProcess(pid, role, port, version, leads=leads, function=function))
    return found


def read_variables(process: MarkedProcess) -> dict[str, str]:
    """The environment that a process was started with; none if it has ended."""
    try:
        return _read_environment(_PROC / str(process.pid))
    except OSError:
        return {}


def _read_environment(folder: Path) -> dict[str, str]:
    entries = (folder / "environ").read_text(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def read_memory(process: MarkedProcess) -> int:
    """The bytes of memory that a process holds right now; 0 if it has ended."""
    try:
        return int((_PROC / str(process.pid) / "statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def find_server(state: Path, role: str) -> MarkedProcess | None:
    """The running server of that role, or None."""
    return next((each for each in find_processes(state) if each.role == role and each.leads), None)


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
    """Start a process in a session of its own that outlives this one and writes to `log`."""
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
    """Run a command to its end, its output going to `log`.

    Raises:
        CommandFailedError: it ended with a status other than 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env={**environment, _HOME: str(state), _ROLE: "tool"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        words = " ".join(command[:2])
        raise CommandFailedError(f"{words} failed with status {done.returncode}. It ended with:\n{tail(log)}")


def run_in_foreground(
    command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, state: Path, role: str
) -> int:
    """Run a command that speaks to the terminal itself, until it ends; its status.

    Ctrl-C reaches it as well; whatever else ends this process is passed on to it. It is given the time to clean up.
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
    """End processes, with their consent if they give it in time; true if all did.

    A server gets SIGTERM, so that it can save its state; whatever is left after `grace_seconds` gets SIGKILL.
    """
    pids = [process.pid for process in processes]
    _signal_each(pids, signal.SIGTERM)
    consented = _wait_for_end(pids, grace_seconds)
    if not consented:
        _signal_each(pids, signal.SIGKILL)
        _wait_for_end(pids, grace_seconds)
    return consented


def tail(log: Path) -> str:
    """The last lines of a log, indented for a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])


def _signal_each(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_for_end(pids: Sequence[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_alive(pid: int) -> bool:
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # a zombie has ended; its parent has yet to hear of it
