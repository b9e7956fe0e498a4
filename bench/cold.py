"""Cold starts: time from a new process to its first response, for every variant and function."""

from collections.abc import Mapping
from random import shuffle
from statistics import median

from bench.emulator import ColdStart, measure_cold_start
from bench.figures import Figure, Section
from bench.services import Services, reset_limits
from bench.variants import FUNCTIONS, Variant, runtime_client

_AT_MOST_TIMES_FLOOR = {"generate": 1.08, "status": 1.10}
_AT_LEAST_TIMES_FASTER = {"generate": 3.5, "status": 5.0}

type Samples = Mapping[tuple[str, str], list[ColdStart]]


def measure_cold_starts(variants: list[Variant], services: Services, *, rounds: int) -> Section:
    """Measure `rounds` cold starts of each variant and function; return a table of the shortest times and their ratios.

    A variant is an implementation of the two functions, such as this project's or that of a framework. The variants run
    in a new random order each round, so that other load on the machine affects all of them.

    Raises:
        MeasurementError: If a function does not start or returns an unexpected response.
        OSError: If a function does not respond within 60 s.
        SetupError, CalledProcessError: If AWS's runtime client cannot be installed.
    """
    runtime = runtime_client()
    samples: dict[tuple[str, str], list[ColdStart]] = {
        (variant.name, function): [] for function in FUNCTIONS for variant in variants
    }
    for turn in range(-1, rounds):
        order = [(variant, function) for variant in variants for function in FUNCTIONS]
        shuffle(order)  # each start leaves caches that affect the next one
        for variant, function in order:
            reset_limits(services.mongo_uri)
            sample = measure_cold_start(
                variant, function, runtime=runtime, environment=services.environment, event=services.events[function]
            )
            if turn >= 0:  # round -1 only fills the file cache
                samples[variant.name, function].append(sample)
    return Section(
        title="Cold start, to the first response",
        method=(
            f"Shortest of {rounds} starts of a new process. In brackets: the median, and the median processor time. "
            "The second call is the median of the same request, repeated."
        ),
        figures=[
            figure
            for function in FUNCTIONS
            for figure in (
                *(cold_figure(samples, variant, function) for variant in variants),
                _first_call_figure(samples["ours", function], function),
            )
        ],
    )


def cold_figure(samples: Samples, variant: Variant, function: str) -> Figure:
    """Return the table row of a variant and function: its time and, for other variants than ours, the ratio to ours.

    The ratio to `floor` and to `usual` has a target.
    """
    fastest_ms, ours_ms = (_quickest(samples[name, function]) for name in (variant.name, "ours"))
    median_ms = median(sample.first_answer_ms for sample in samples[variant.name, function])
    cpu_ms = median(sample.cpu_ms for sample in samples[variant.name, function])
    second = f"{median(sample.second_answer_ms for sample in samples[variant.name, function]):.1f} ms"
    name, measured = f"{function}: {variant.title}", f"{fastest_ms:.0f} ms ({median_ms:.0f}, {cpu_ms:.0f})"
    if variant.name == "ours":
        return Figure(name, measured, second_call=second)
    if variant.name == "floor":
        ratio, target = ours_ms / fastest_ms, _AT_MOST_TIMES_FLOOR[function]
        must, reached = f"ours ≤ {target:.2f} × this", ratio <= target
        return Figure(name, measured, must, f"{ratio:.2f} ×", second_call=second, reached=reached)
    ratio = fastest_ms / ours_ms
    if variant.name == "usual":
        must, reached = f"≥ {_AT_LEAST_TIMES_FASTER[function]:g} × ours", ratio >= _AT_LEAST_TIMES_FASTER[function]
        return Figure(name, measured, must, f"{ratio:.1f} ×", second_call=second, reached=reached)
    return Figure(name, measured, ratio=f"{ratio:.1f} ×", second_call=second)


def _first_call_figure(starts: list[ColdStart], function: str) -> Figure:
    """Return the row of the median time of the first call without init.

    Lambda gives init a whole processor, but the calls of a small function only a fraction of a processor.
    """
    first_call_ms = median(start.first_answer_ms - start.init_ms for start in starts)
    return Figure(f"{function}: as built, first call without init", f"{first_call_ms:.0f} ms")


def _quickest(starts: list[ColdStart]) -> float:
    return min(start.first_answer_ms for start in starts)
