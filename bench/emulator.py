"""Runtime interface emulator of AWS Lambda, from the SAM CLI, running a function with AWS's runtime client."""

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

from bench.figures import MeasurementError
from bench.paths import HOME, INTERPRETER
from bench.variants import Variant
from localcloud.builds import ARCHITECTURE

_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_START_SECONDS = 10.0
_INVOKE_SECONDS = 60.0
_PATH = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Durations of one cold start, in milliseconds."""

    init_ms: float
    first_answer_ms: float
    """From the request to the response: init and the first call."""
    cpu_ms: float
    """Processor time of the function's process up to the first response. Other load hardly changes it."""
    second_answer_ms: float
    """From the second request, in the same process, to its response."""


def read_init_ms(log: str) -> float:
    """Return the duration of init, in milliseconds, from the INIT REPORT line of the emulator's log.

    The init duration in the log's REPORT line is wrong.

    Raises:
        MeasurementError: If the log contains no INIT REPORT line.
    """
    match = _INIT.search(log)
    if match is None:
        raise MeasurementError(f"The emulator's log contains no INIT REPORT line: {log[-2000:]}")
    return float(match[1])


def measure_cold_start(
    variant: Variant, function: str, *, runtime: Path, environment: Mapping[str, str], event: Mapping[str, Any]
) -> ColdStart:
    """Start a function in a new process, send it the same event twice, stop it and return the durations.

    `runtime` is the folder of AWS's runtime client.

    Raises:
        MeasurementError: If the emulator does not start, or if the response's status code is not 201 for `generate` or
            200 for `status`.
        OSError: If the function does not respond within 60 s.
    """
    with Emulator(variant, function, runtime=runtime, environment=environment) as emulator:
        expected = 201 if function == "generate" else 200
        milliseconds = []
        cpu_ms = 0.0
        for _ in range(2):
            response, elapsed_ms = emulator.invoke(event)
            if response.get("statusCode") != expected:
                raise MeasurementError(f"{variant.name} {function} returned {response}\n{emulator.read_log()}")
            milliseconds.append(elapsed_ms)
            cpu_ms = cpu_ms or emulator.cpu_ms()
        return ColdStart(read_init_ms(emulator.read_log()), milliseconds[0], cpu_ms, milliseconds[1])


class Emulator:
    """Context manager that runs one function under the emulator and stops its processes on exit."""

    def __init__(self, variant: Variant, function: str, *, runtime: Path, environment: Mapping[str, str]) -> None:
        """Store the configuration; `__enter__` starts the emulator."""
        self._variant, self._function, self._runtime, self._environment = variant, function, runtime, environment
        self._log = HOME / "logs" / f"{variant.name}-{function}.log"

    def __enter__(self) -> Self:
        """Start the emulator and wait until it accepts connections; the first call starts the function's process.

        Raises:
            MeasurementError: If the emulator does not accept connections within ten seconds.
            OSError: If the SAM CLI does not contain the emulator for this machine.
        """
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
        raise MeasurementError(f"The emulator did not start within {_START_SECONDS:.0f} s: {self.read_log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the emulator and the function's process, which is in a process group of its own.

        An exception of the block is raised to the caller.
        """
        for child in self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()

    def invoke(self, event: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Call the function; return its response and the duration in milliseconds.

        An error of the function is a response too.

        Raises:
            MeasurementError: If the response is not JSON.
            OSError: If the emulator closes the connection or there is no response within 60 s (`TimeoutError`).
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_INVOKE_SECONDS)
        body = json.dumps(event)
        started = time.perf_counter()
        connection.request("POST", _PATH, body)
        raw = connection.getresponse().read()
        milliseconds = (time.perf_counter() - started) * 1000
        connection.close()
        try:
            response: dict[str, Any] = json.loads(raw)
        except ValueError as error:
            raise MeasurementError(f"The response is not JSON: {raw[:300]!r}\n{self.read_log()}") from error
        return response, milliseconds

    def cpu_ms(self) -> float:
        """Return the processor time of the function's process so far, in milliseconds; 0 if there is no process.

        It is read from `/proc`, because psutil rounds it to 10 ms.

        Raises:
            psutil.NoSuchProcess: If the emulator has been stopped.
            OSError: If the process ends during the call, or the system is not Linux.
        """
        tasks = [task for child in self._children() for task in Path(f"/proc/{child.pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6

    def read_log(self) -> str:
        """Return the output of the emulator and the function so far."""
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
            # Lambda mounts the code read-only, so a module without bytecode is compiled at each cold start.
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
    """Return the path of an executable copy of the emulator; the file in the SAM CLI package is not executable.

    The copy is created at the first call.

    Raises:
        OSError: If the SAM CLI does not contain the emulator for this machine.
    """
    target = HOME / f"aws-lambda-rie-{ARCHITECTURE}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}")
        shutil.copy(Path(samcli.__file__).parent / "local" / "rapid" / target.name, draft)
        draft.chmod(0o755)
        draft.replace(target)
    return target


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]
