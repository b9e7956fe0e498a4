"""Warm calls: the processor time of one call in process, ours beside the peers and the bare database call."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench.figures import Figure, MeasurementError, Section
from bench.places import HOME, INTERPRETER, SOURCES
from bench.services import Services
from bench.variants import FUNCTIONS, Variant

_AT_MOST_OVER_BARE_US = 1000
_STUBBED_CALLS, _DATABASE_CALLS = 600, 200
_EXPECTED = {"generate": 201, "status": 200}
# X-Ray's decision for a request that it does not sample, as nineteen of twenty are.
_NOT_TRACED = "Root=1-6922a0f0-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"


type Times = Mapping[str, float]


def measure_warm_calls(variants: list[Variant], services: Services, *, rounds: int) -> Section:
    """Each variant in a process of its own, in turn; medians over the rounds."""
    measured = [variant for variant in variants if variant.name != "ours-source"]
    samples: dict[tuple[str, str], list[Times]] = {
        (variant.name, function): [] for function in FUNCTIONS for variant in measured
    }
    bare: list[Times] = []
    for _ in range(rounds):
        bare.append(_run(_bare_task(services), measured[0], "generate", services))
        for variant, function in [(variant, function) for variant in measured for function in FUNCTIONS]:
            task = {
                "handler": variant.handlers[function],
                "event": services.events[function],
                "expected": _EXPECTED[function],
                "stubbedCalls": _STUBBED_CALLS,
                "databaseCalls": _DATABASE_CALLS,
            }
            samples[variant.name, function].append(_run(task, variant, function, services))
    return Section(
        title="Warm call, processor time",
        method=(
            f"Per call in process, median of {rounds} runs: on the local database, and in brackets with the database "
            "stubbed. SQS answers at once in both: signing and serialising count. Ratio: the stubbed call over ours."
        ),
        figures=[figure for function in FUNCTIONS for figure in _figures(function, measured, samples, bare)],
    )


def _figures(
    function: str, variants: list[Variant], samples: Mapping[tuple[str, str], list[Times]], bare: list[Times]
) -> Iterator[Figure]:
    def typical(name: str, kind: str) -> float:
        return median(times[kind] for times in samples[name, function])

    bare_us = median(times[function] for times in bare)
    yield Figure(f"{function}: bare database call", f"{bare_us:.0f} µs")
    for variant in variants:
        database, stubbed = typical(variant.name, "database"), typical(variant.name, "stubbed")
        name, measured = f"{function}: {variant.title}", f"{database:.0f} µs ({stubbed:.0f})"
        if variant.name == "ours":
            over = database - bare_us
            must = f"≤ {_AT_MOST_OVER_BARE_US} µs over bare"
            yield Figure(name, measured, must, f"+{over:.0f} µs", reached=max(over, stubbed) <= _AT_MOST_OVER_BARE_US)
        else:
            yield Figure(name, measured, ratio=f"{stubbed / typical('ours', 'stubbed'):.1f} ×")


def _bare_task(services: Services) -> dict[str, Any]:
    job_id = services.events["status"]["pathParameters"]["jobId"]
    return {"handler": None, "mongoUri": services.mongo_uri, "jobId": job_id, "databaseCalls": _DATABASE_CALLS}


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
    done = subprocess.run(
        [str(INTERPRETER), str(SOURCES / "warm_driver.py")],
        input=json.dumps({**task, "result": str(result)}),
        text=True,
        env=environment,
        cwd=root,
        check=False,
        stderr=subprocess.PIPE,
    )
    if done.returncode != 0:
        raise MeasurementError(f"{variant.name} {function}: {done.stderr}")
    times: Times = json.loads(result.read_text())
    return times
