"""The test's end of the worker processes: start one, give it an event, see it answer, crash or stop."""

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

ANSWER_SECONDS = 60
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a call ended: with the handler's answers (one for each time it ran), in a crash, or in a stopped process."""

    answers: list[Any] = field(default_factory=list)
    crashed: str = ""
    paused: str = ""

    @property
    def answer(self) -> Any:
        """The one answer."""
        (only,) = self.answers
        return only


class WorkerProcess:
    """One process of one function."""

    def __init__(self, nursery: Path, config: Mapping[str, Any], observations: list[dict[str, Any]]) -> None:
        self._observations = observations
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(ANSWER_SECONDS)
        self._connection.connect(str(nursery))
        self._lines = self._connection.makefile("r")
        self._send(config)
        self.pid: int = json.loads(self._lines.readline())["pid"]
        self.alive = True
        self.stopped = False

    def call(self, event: Mapping[str, Any], now: datetime, *, times: int = 1) -> Outcome:
        """Handle an event, `times` times at once."""
        self.begin(event, now, times=times)
        return self.finish()

    def begin(self, event: Mapping[str, Any], now: datetime, *, times: int = 1) -> None:
        """Hand over an event; `finish` waits for what becomes of it."""
        self._send({"event": event, "now": now.isoformat(), "times": times})

    def finish(self) -> Outcome:
        """Wait until the process has answered, crashed or stopped."""
        crashed = ""
        for line in self._lines:
            told = json.loads(line)
            if "observed" in told:
                self._observations.append(told["observed"])
            elif "crashing" in told:
                crashed = told["crashing"]
            elif "pausing" in told:
                self._wait_until_stopped()
                self.stopped = True
                return Outcome(paused=told["pausing"])
            else:
                return Outcome(answers=told["answers"])
        self.end()
        return Outcome(crashed=crashed or "killed")

    def resume(self) -> Outcome:
        """Let a stopped process go on."""
        self.stopped = False
        os.kill(self.pid, signal.SIGCONT)
        return self.finish()

    def end(self) -> None:
        """Kill it, stopped or not."""
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
            time.sleep(0.001)  # it has said that it is about to


@contextmanager
def nursery(folder: Path) -> Iterator[Path]:
    """The warm parent of all worker processes: the socket to connect to. All of them end with the block."""
    path = folder / "nursery"
    command = [sys.executable, "-m", "tests.faults.worker_process", str(path)]
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'layers' / 'common'}", "LOG_LEVEL": "INFO"}
    environment.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    environment["TMPDIR"] = str(folder)  # what a killed renderer leaves behind goes with the run
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
    """Faults as a worker process reads them."""
    return [asdict(fault) for fault in faults]
