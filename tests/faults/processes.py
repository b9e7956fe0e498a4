"""The test's side of the worker processes: start one, send it an event, and wait until it returns, crashes or stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.faults.watched_ports import Fault

RESPONSE_TIMEOUT_SECONDS = 60
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """Result of a call: the handler's responses (one per run), a crash, or a stopped process."""

    responses: list[Any] = field(default_factory=list)
    crashed: str = ""
    paused: str = ""

    @property
    def response(self) -> Any:
        """Return the only response."""
        (only,) = self.responses
        return only


class WorkerProcess:
    """One process that runs one function."""

    def __init__(self, nursery: Path, config: Mapping[str, Any], observations: list[dict[str, Any]]) -> None:
        self._observations = observations
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(RESPONSE_TIMEOUT_SECONDS)
        self._connection.connect(str(nursery))
        self._lines = self._connection.makefile("r")
        self._send(config)
        self.pid: int = json.loads(self._lines.readline())["pid"]
        self.alive = True
        self.stopped = False

    def call(self, event: Mapping[str, Any], now: datetime, *, times: int = 1) -> Outcome:
        """Let the process handle an event, `times` times concurrently. Return the outcome."""
        self.begin(event, now, times=times)
        return self.finish()

    def begin(self, event: Mapping[str, Any], now: datetime, *, times: int = 1) -> None:
        """Send an event. `finish` waits for its outcome."""
        self._send({"event": event, "now": now.isoformat(), "times": times})

    def finish(self) -> Outcome:
        """Wait until the process has returned, crashed or stopped. Return the outcome."""
        crashed = ""
        for line in self._lines:
            message = json.loads(line)
            if "observed" in message:
                self._observations.append(message["observed"])
            elif "crashing" in message:
                crashed = message["crashing"]
            elif "pausing" in message:
                self._wait_until_stopped()
                self.stopped = True
                return Outcome(paused=message["pausing"])
            else:
                return Outcome(responses=message["responses"])
        self.end()
        return Outcome(crashed=crashed or "killed")

    def resume(self) -> Outcome:
        """Resume a stopped process and wait for the outcome."""
        self.stopped = False
        os.kill(self.pid, signal.SIGCONT)
        return self.finish()

    def end(self) -> None:
        """Kill the process, whether it is stopped or not. Idempotent."""
        if self.alive:
            self.alive = False
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._lines.close()
            self._connection.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def _wait_until_stopped(self) -> None:
        while psutil.Process(self.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)  # the process has announced that it will stop


@contextmanager
def nursery(folder: Path) -> Iterator[Path]:
    """Start the parent of all worker processes and yield its socket. All processes end with the block."""
    path = folder / "nursery"
    command = [sys.executable, "-m", "tests.faults.worker_process", str(path)]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{_ROOT}:{_ROOT / 'layers' / 'common'}:{_ROOT / 'layers' / 'providers'}",
        "LOG_LEVEL": "INFO",
    }
    environment.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    environment["TMPDIR"] = str(folder)  # files of a killed renderer are deleted with the run's folder
    with (folder / "functions.log").open("wb") as log:
        parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=_ROOT, env=environment, bufsize=0
        )
        try:
            while not path.exists():
                assert parent.poll() is None, (folder / "functions.log").read_text()
                time.sleep(0.02)
            yield path
        finally:
            parent.kill()
            parent.wait()
            if parent.stdin:
                parent.stdin.close()


def as_config(faults: tuple[Fault, ...]) -> list[dict[str, Any]]:
    """Return faults in the format that a worker process reads."""
    return [asdict(fault) for fault in faults]
