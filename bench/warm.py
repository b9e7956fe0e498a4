"""Warm calls: processor time per call, and elapsed time with network latency, compared with the peers."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from pymongo import MongoClient

from bench.express import Express, PeerMissingError, run_express
from bench.figures import Figure, MeasurementError, Section
from bench.paths import HOME, INTERPRETER, SOURCES
from bench.services import Services
from bench.variants import FUNCTIONS, Variant

_AT_MOST_OVER_BARE_US = {"generate": 800, "status": 600}
_AT_MOST_OVER_PEER_US = 600
_STUBBED_CALLS, _DATABASE_CALLS, _ELAPSED_CALLS = 600, 200, 100
_EXPRESS_WARM_UP, _EXPRESS_CALLS = 1000, 80
_LATER_SECONDS = 3600.0
_EXPECTED = {"generate": 201, "status": 200}
# The trace header of a request that X-Ray does not sample, as is the case for 95 % of the requests.
_NOT_TRACED = "Root=1-6922a0f0-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"


type Times = Mapping[str, float]


class Call(NamedTuple):
    """Call that is measured: the function, the event that it gets, and the note of its row."""

    function: str
    event: str
    note: str = ""
    limits: bool = True


_CALLS = (Call("generate", "generate"), Call("status", "ended"))
"""Calls of all variants. `status` reads a failed job, which needs no estimate and has no video."""
_OUR_CALLS = (
    Call("generate", "generate", "without limits", limits=False),
    Call("status", "ended", "without limits", limits=False),
    Call("status", "status", "queued job"),
    Call("status", "completed", "three presigned URLs"),
)

type Samples = Mapping[tuple[str, Call], Sequence[Times]]


def measure_warm_calls(variants: list[Variant], services: Services, *, rounds: int) -> list[Section]:
    """Measure each variant `rounds` times, each in a new process, and return tables of the median times.

    A variant is an implementation of the two functions, such as this project's or that of a framework. The Express
    server of the polling design is measured too, or its row contains the reason why it can't run.

    Raises:
        MeasurementError: If a process fails, a call returns an unexpected status code, or the Express server does not
            start.
        OSError, http.client.HTTPException: If the Express server returns an error or does not respond.
        PyMongoError: If MongoDB does not respond.
    """
    measured = [variant for variant in variants if variant.name != "ours-source"]
    planned = [(variant, call) for variant in measured for call in _CALLS]
    planned += [(variant, call) for variant in measured if variant.name == "ours" for call in _OUR_CALLS]
    samples: dict[tuple[str, Call], list[Times]] = {(variant.name, call): [] for variant, call in planned}
    round_trips = []
    for _ in range(rounds):
        for variant, call in planned:
            times = [_run(variant, call, services, is_delayed=is_delayed) for is_delayed in (False, True)]
            samples[variant.name, call].append(times[0] | times[1])
        round_trips.append(_time_round_trip(services.delayed_uri))
    express = _measure_express(services, rounds)
    return [
        Section(
            title="Warm call, processor time",
            method=(
                f"Median of {rounds} runs: with the local database, and in brackets with the driver stubbed. Ratio: "
                "the stubbed call over ours. Bare: the operations of ours, repeated with pymongo without other code."
            ),
            figures=[
                figure
                for function in FUNCTIONS
                for figure in (
                    *_figures(function, planned, samples),
                    express_figure(function, express, "cpu"),
                )
            ],
        ),
        Section(
            title="Warm call at 1 ms to the database, elapsed time",
            method=(
                f"Median of {rounds} runs. A proxy adds 1 ms to each round trip, for all peers alike; one `ping` takes "
                f"{median(round_trips):.1f} ms. SQS responds at once."
            ),
            figures=[
                figure
                for function in FUNCTIONS
                for figure in (
                    *elapsed_figures(function, planned, samples, round_trip_us=median(round_trips) * 1000),
                    express_figure(function, express, "elapsed"),
                )
            ],
        ),
    ]


def _row(variant: Variant, call: Call) -> str:
    return f"{call.function}: {variant.title}{call.note and f', {call.note}'}"


def _typical(samples: Samples, name: str, call: Call, kind: str) -> float:
    return median(times[kind] for times in samples[name, call])


def _figures(function: str, planned: Sequence[tuple[Variant, Call]], samples: Samples) -> Iterator[Figure]:
    ours_us = next(_typical(samples, "ours", call, "stubbed") for call in _CALLS if call.function == function)
    for variant, call in planned:
        if call.function != function:
            continue
        database, stubbed = (_typical(samples, variant.name, call, kind) for kind in ("database", "stubbed"))
        measured = f"{database:.0f} µs ({stubbed:.0f})"
        if variant.name != "ours":
            yield Figure(_row(variant, call), measured, ratio=f"{stubbed / ours_us:.1f} ×")
            continue
        bare, operations = (_typical(samples, "ours", call, kind) for kind in ("bare", "operations"))
        over, limit = database - bare, _AT_MOST_OVER_BARE_US[function]
        must = f"≤ {limit} µs over bare" if call in _CALLS else ""
        reached = max(over, stubbed) <= limit if must else None
        yield Figure(f"{_row(variant, call)}: {operations:.0f} bare operations", f"{bare:.0f} µs")
        yield Figure(_row(variant, call), measured, must, f"+{over:.0f} µs", reached=reached)


def elapsed_figures(
    function: str, planned: Sequence[tuple[Variant, Call]], samples: Samples, *, round_trip_us: float
) -> Iterator[Figure]:
    """Return the rows of a function with the elapsed times, each compared with the best peer.

    The call for an ended job, and the call for a queued job with one round trip more, have a target.
    """
    peers = [_typical(samples, variant.name, call, "elapsed") for variant, call in planned if variant.name != "ours"
             if call.function == function]  # fmt: skip
    for variant, call in planned:
        if call.function != function:
            continue
        elapsed = _typical(samples, variant.name, call, "elapsed")
        over = elapsed - min(peers)
        name, measured, ratio = _row(variant, call), f"{elapsed / 1000:.2f} ms", f"{over / 1000:+.2f} ms"
        limits = {"ended": _AT_MOST_OVER_PEER_US, "status": _AT_MOST_OVER_PEER_US + round_trip_us}
        limit = limits.get(call.event) if variant.name == "ours" and call.limits else None
        if limit is None:
            yield Figure(name, measured, ratio=ratio)
        else:
            must = f"≤ {limit / 1000:.1f} ms over the best peer"
            yield Figure(name, measured, must, ratio, reached=over <= limit)


def _time_round_trip(uri: str) -> float:
    """Return the median time of a `ping` in milliseconds."""
    with MongoClient[dict[str, Any]](uri) as client:
        seconds = []
        for _ in range(60):
            started = time.perf_counter()
            client.admin.command("ping")
            seconds.append(time.perf_counter() - started)
    return median(seconds) * 1000


type ExpressTimes = Mapping[str, Sequence[Times]]


def express_figure(function: str, measured: ExpressTimes | PeerMissingError, kind: str) -> Figure:
    """Return the table row of the API of the polling design: its median, or the reason why it can't run.

    `kind` is `cpu` or `elapsed`.
    """
    name = f"{function}: Express, with HTTP"
    if isinstance(measured, PeerMissingError):
        return Figure(name, f"not measured: {measured}")
    microseconds = median(times[kind] for times in measured[function])
    return Figure(name, f"{microseconds:.0f} µs" if kind == "cpu" else f"{microseconds / 1000:.2f} ms")


def _measure_express(services: Services, rounds: int) -> ExpressTimes | PeerMissingError:
    """Return the server's processor time and the elapsed time with latency, in microseconds, by function and round.

    The poller does not run during the measurement. If the server can't run on this machine, return the error.
    """
    try:
        near, far = [_time_express(uri, rounds) for uri in (services.mongo_uri, services.delayed_uri)]
    except PeerMissingError as error:
        return error
    return {
        function: [
            {"cpu": close["cpu"], "elapsed": distant["elapsed"]}
            for close, distant in zip(near[function], far[function], strict=True)
        ]
        for function in FUNCTIONS
    }


def _time_express(mongo_uri: str, rounds: int) -> ExpressTimes:
    with run_express("warm", mongo_uri, poll_seconds=_LATER_SECONDS) as express:
        job_id, _ = express.api.post_job()
        jobs = {"generate": None, "status": job_id}
        for function in FUNCTIONS:  # V8 optimises code that runs often
            express.api.call_often(_EXPRESS_WARM_UP, job_id=jobs[function])
        return {
            function: [_time_express_calls(express, jobs[function]) for _ in range(rounds)] for function in FUNCTIONS
        }


def _time_express_calls(express: Express, job_id: str | None) -> Times:
    cpu_us, started = _read_cpu(express), time.perf_counter()
    express.api.call_often(_EXPRESS_CALLS, job_id=job_id)
    elapsed_us = (time.perf_counter() - started) * 1e6
    return {"cpu": (_read_cpu(express) - cpu_us) / _EXPRESS_CALLS, "elapsed": elapsed_us / _EXPRESS_CALLS}


def _read_cpu(express: Express) -> float:
    with urllib.request.urlopen(express.cpu_url, timeout=10) as response:
        return float(json.load(response)["microseconds"])


def _run(variant: Variant, call: Call, services: Services, *, is_delayed: bool) -> dict[str, float]:
    function, result = call.function, HOME / "warm.json"
    root = variant.task_roots[function]
    task = {
        "handler": variant.handlers[function],
        "event": services.events[call.event],
        "expected": _EXPECTED[function],
        "mongoUri": services.mongo_uri,
        "limits": call.limits,
        "stubbedCalls": _STUBBED_CALLS,
        "databaseCalls": _DATABASE_CALLS,
        "elapsedCalls": _ELAPSED_CALLS if is_delayed else 0,
        "result": str(result),
    }
    environment = {
        **services.environment,
        **({"MONGODB_SECRET_ARN": services.delayed_secret} if is_delayed else {}),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(map(str, (root, *variant.layers))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_LAMBDA_FUNCTION_NAME": f"videojobs-{function}",
        "_X_AMZN_TRACE_ID": _NOT_TRACED,
    }
    driver = subprocess.run(
        [str(INTERPRETER), str(SOURCES / "warm_driver.py")],
        input=json.dumps(task),
        text=True,
        env=environment,
        cwd=root,
        check=False,
        stderr=subprocess.PIPE,
    )
    if driver.returncode != 0:
        raise MeasurementError(f"{variant.name} {function} failed: {driver.stderr}")
    times: dict[str, float] = json.loads(result.read_text())
    return times
