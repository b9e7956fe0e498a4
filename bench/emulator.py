"""AWS's Lambda runtime interface emulator, as SAM ships it, running a function with AWS's own runtime client."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import samcli

from bench.build_output import MACHINE
from bench.figures import MeasurementError
from bench.paths import HOME, INTERPRETER
from bench.variants import Variant

_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_START_SECONDS = 10.0
_INVOKE_SECONDS = 60.0
_PATH = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True, slots=True)
class ColdStart:
    """How long a fresh process took, in milliseconds."""

    init_ms: float
    first_answer_ms: float
    """From the request to the answer: init and first call."""
    cpu_ms: float
    """What the function's process spent on a processor until then: the same on a busy machine."""


def read_init_ms(log: str) -> float:
    """The duration of init from the emulator's own log (its REPORT line lies about it).

    Raises:
        MeasurementError: the log has none.
    """
    found = _INIT.search(log)
    if found is None:
        raise MeasurementError(f"no INIT REPORT in: {log[-2000:]}")
    return float(found[1])


def measure_cold_start(
    variant: Variant, function: str, *, runtime: Path, environment: Mapping[str, str], event: Mapping[str, Any]
) -> ColdStart:
    """Start a function's process afresh, send it one event, check the answer, end it."""
    with Emulator(variant, function, runtime=runtime, environment=environment) as emulator:
        answer, milliseconds = emulator.invoke(event)
        expected = 201 if function == "generate" else 200
        if answer.get("statusCode") != expected:
            raise MeasurementError(f"{variant.name} {function} answered {answer}\n{emulator.read_log()}")
        return ColdStart(read_init_ms(emulator.read_log()), milliseconds, emulator.cpu_ms())


class Emulator:
    """One function under the emulator; a context manager that leaves no process."""

    def __init__(self, variant: Variant, function: str, *, runtime: Path, environment: Mapping[str, str]) -> None:
        """Nothing is started yet."""
        self._variant, self._function, self._runtime, self._environment = variant, function, runtime, environment
        self._log = HOME / "logs" / f"{variant.name}-{function}.log"

    def __enter__(self) -> Self:
        """Start the emulator; the function's process comes with the first call."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._port, runtime_port = _free_ports()
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{runtime_port}", "--log-level", "info"]
        handler = self._variant.handlers[self._function]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(emulator_binary()), *addresses, str(INTERPRETER), "-m", "awslambdaric", handler],
                cwd=self._variant.task_roots[self._function],
                env=self._lambda_environment(handler),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return self
            time.sleep(0.005)
        self.__exit__(None, None, None)
        raise MeasurementError(f"the emulator did not start: {self.read_log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the emulator and the function's process, which it puts into a group of its own."""
        for child in self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()

    def invoke(self, event: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Call the function; its answer, and the milliseconds until it was there."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_INVOKE_SECONDS)
        body = json.dumps(event)
        begun = time.perf_counter()
        connection.request("POST", _PATH, body)
        raw = connection.getresponse().read()
        milliseconds = (time.perf_counter() - begun) * 1000
        connection.close()
        try:
            answer: dict[str, Any] = json.loads(raw)
        except ValueError as error:
            raise MeasurementError(f"no JSON: {raw[:300]!r}\n{self.read_log()}") from error
        return answer, milliseconds

    def cpu_ms(self) -> float:
        """Return the CPU time of the function's process so far; psutil rounds it to 10 ms."""
        tasks = [task for child in self._children() for task in Path(f"/proc/{child.pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def read_log(self) -> str:
        """What the emulator and the function wrote."""
        return self._log.read_text(errors="replace")

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children()

    def _lambda_environment(self, handler: str) -> dict[str, str]:
        root = self._variant.task_roots[self._function]
        search = [*self._variant.layers, self._runtime]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, search)),
            # The code's folder is read-only on Lambda: what has no bytecode is compiled at each cold start.
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(root),
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": f"videojobs-{self._function}",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
            "AWS_LAMBDA_FUNCTION_HANDLER": handler,
            **self._environment,
        }


def emulator_binary() -> Path:
    """A copy that may be executed: the packaged file may not."""
    target = HOME / f"aws-lambda-rie-{MACHINE}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}")
        shutil.copy(Path(samcli.__file__).parent / "local" / "rapid" / target.name, draft)
        draft.chmod(0o755)
        draft.replace(target)
    return target


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
