"""Warm calls: processor time per call, compared with the peers and with the database calls alone."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench.express import Express, PeerMissingError, run_express
from bench.figures import Figure, MeasurementError, Section
from bench.paths import HOME, INTERPRETER, SOURCES
from bench.services import Services
from bench.variants import FUNCTIONS, Variant

_AT_MOST_OVER_BARE_US = 1000
_STUBBED_CALLS, _DATABASE_CALLS = 600, 200
_EXPRESS_WARM_UP, _EXPRESS_CALLS = 1000, 80
_LATER_SECONDS = 3600.0
_EXPECTED = {"generate": 201, "status": 200}
# The trace header of a request that X-Ray does not sample, as is the case for 95 % of the requests.
_NOT_TRACED = "Root=1-6922a0f0-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"


type Times = Mapping[str, float]


def measure_warm_calls(variants: list[Variant], services: Services, *, rounds: int) -> Section:
    """Measure each variant `rounds` times, each in a new process, and return a table of the median processor times.

    A variant is an implementation of the two functions, such as this project's or that of a framework. The Express
    server of the polling design is measured too, or its row contains the reason why it can't run.

    Raises:
        MeasurementError: If a process fails, a call returns an unexpected status code, or the Express server does not
            start.
        OSError, http.client.HTTPException: If the Express server returns an error or does not respond.
        PyMongoError: If MongoDB does not respond.
    """
    measured = [variant for variant in variants if variant.name != "ours-source"]
    samples: dict[tuple[str, str], list[Times]] = {
        (variant.name, function): [] for function in FUNCTIONS for variant in measured
    }
    for _ in range(rounds):
        for variant, function in [(variant, function) for variant in measured for function in FUNCTIONS]:
            task = {
                "handler": variant.handlers[function],
                "event": services.events[function],
                "expected": _EXPECTED[function],
                "mongoUri": services.mongo_uri,
                "stubbedCalls": _STUBBED_CALLS,
                "databaseCalls": _DATABASE_CALLS,
            }
            samples[variant.name, function].append(_run(task, variant, function, services))
    express = _measure_express(services, rounds)
    return Section(
        title="Warm call, processor time",
        method=(
            f"Median of {rounds} runs: with the local database, and in brackets with the driver stubbed. Ratio: the "
            "stubbed call over ours. Bare: the database calls of ours without any other code."
        ),
        figures=[
            figure
            for function in FUNCTIONS
            for figure in (*_figures(function, measured, samples), express_figure(function, express))
        ],
    )


def _figures(
    function: str, variants: list[Variant], samples: Mapping[tuple[str, str], list[Times]]
) -> Iterator[Figure]:
    def typical(name: str, kind: str) -> float:
        return median(times[kind] for times in samples[name, function])

    bare_us = typical("ours", "bare")
    yield Figure(f"{function}: bare database calls", f"{bare_us:.0f} µs")
    for variant in variants:
        database, stubbed = typical(variant.name, "database"), typical(variant.name, "stubbed")
        name, measured = f"{function}: {variant.title}", f"{database:.0f} µs ({stubbed:.0f})"
        if variant.name == "ours":
            over = database - bare_us
            must = f"≤ {_AT_MOST_OVER_BARE_US} µs over bare"
            yield Figure(name, measured, must, f"+{over:.0f} µs", reached=max(over, stubbed) <= _AT_MOST_OVER_BARE_US)
        else:
            yield Figure(name, measured, ratio=f"{stubbed / typical('ours', 'stubbed'):.1f} ×")


def express_figure(function: str, measured: Mapping[str, list[float]] | PeerMissingError) -> Figure:
    """Return the table row of the API of the polling design: its median, or the reason why it can't run."""
    name = f"{function}: Express, with HTTP"
    if isinstance(measured, PeerMissingError):
        return Figure(name, f"not measured: {measured}")
    return Figure(name, f"{median(measured[function]):.0f} µs")


def _measure_express(services: Services, rounds: int) -> Mapping[str, list[float]] | PeerMissingError:
    """Return the server's processor time per call in microseconds, by function and round.

    The poller does not run during the measurement. If the server can't run on this machine, return the error.
    """
    try:
        with run_express("warm", services.mongo_uri, poll_seconds=_LATER_SECONDS) as express:
            job_id, _ = express.api.post_job()
            jobs = {"generate": None, "status": job_id}
            for function in FUNCTIONS:  # V8 optimises code that runs often
                express.api.call_often(_EXPRESS_WARM_UP, job_id=jobs[function])
            return {function: [_time_express(express, jobs[function]) for _ in range(rounds)] for function in FUNCTIONS}
    except PeerMissingError as error:
        return error


def _time_express(express: Express, job_id: str | None) -> float:
    started = _read_cpu(express)
    express.api.call_often(_EXPRESS_CALLS, job_id=job_id)
    return (_read_cpu(express) - started) / _EXPRESS_CALLS


def _read_cpu(express: Express) -> float:
    with urllib.request.urlopen(express.cpu_url, timeout=10) as response:
        return float(json.load(response)["microseconds"])


def _run(task: Mapping[str, Any], variant: Variant, function: str, services: Services) -> Times:
    result = HOME / "warm.json"
    root = variant.task_roots[function]
    environment = {
        **services.environment,
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(map(str, (root, *variant.layers))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_LAMBDA_FUNCTION_NAME": f"videojobs-{function}",
        "_X_AMZN_TRACE_ID": _NOT_TRACED,
    }
    driver = subprocess.run(
        [str(INTERPRETER), str(SOURCES / "warm_driver.py")],
        input=json.dumps({**task, "result": str(result)}),
        text=True,
        env=environment,
        cwd=root,
        check=False,
        stderr=subprocess.PIPE,
    )
    if driver.returncode != 0:
        raise MeasurementError(f"{variant.name} {function} failed: {driver.stderr}")
    times: Times = json.loads(result.read_text())
    return times
