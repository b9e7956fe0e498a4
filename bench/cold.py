"""Cold starts: a fresh process to its first answer, every variant in turn so that noise meets all alike."""

from collections.abc import Mapping
from statistics import median

from bench.emulator import ColdStart, measure_cold_start
from bench.figures import Figure, Section
from bench.services import Services
from bench.variants import FUNCTIONS, Variant, runtime_client

_AT_MOST_TIMES_FLOOR = 1.3
_AT_LEAST_TIMES_FASTER = {"generate": 3.5, "status": 5.0}

type Samples = Mapping[tuple[str, str], list[ColdStart]]


def measure_cold_starts(variants: list[Variant], services: Services, *, rounds: int) -> Section:
    """`rounds` cold starts of each variant and function, interleaved; medians and the ratios between them."""
    runtime = runtime_client()
    samples: dict[tuple[str, str], list[ColdStart]] = {
        (variant.name, function): [] for function in FUNCTIONS for variant in variants
    }
    for turn in range(-1, rounds):
        for function in FUNCTIONS:
            for variant in variants:
                sample = measure_cold_start(
                    variant,
                    function,
                    runtime=runtime,
                    environment=services.environment,
                    event=services.events[function],
                )
                if turn >= 0:  # the first one only fills the file cache
                    samples[variant.name, function].append(sample)
    return Section(
        title="Cold start, to the first answer",
        method=(
            f"Median of {rounds} fresh processes under AWS's runtime client, in turn; init, first call, both secrets, "
            "MongoDB and (generate) SQS included. In brackets: the function's processor time, which other work on the "
            "machine changes least."
        ),
        figures=[cold_figure(samples, variant, function) for function in FUNCTIONS for variant in variants],
    )


def cold_figure(samples: Samples, variant: Variant, function: str) -> Figure:
    """One line of the table: the medians, and the ratio that is promised for this peer."""
    took = _first_answer(samples, variant.name, function)
    cpu = median(sample.cpu_ms for sample in samples[variant.name, function])
    name, measured = f"{function}: {variant.title}", f"{took:.0f} ms ({cpu:.0f})"
    own = _first_answer(samples, "ours", function)
    if variant.name == "floor":
        ratio = own / took
        must = f"ours ≤ {_AT_MOST_TIMES_FLOOR} × this"
        return Figure(name, measured, must, f"{ratio:.2f} ×", reached=ratio <= _AT_MOST_TIMES_FLOOR)
    ratio = took / own
    if variant.name == "usual":
        wanted = _AT_LEAST_TIMES_FASTER[function]
        return Figure(name, measured, f"ours ≥ {wanted:g} × faster", f"{ratio:.1f} ×", reached=ratio >= wanted)
    return Figure(name, measured, ratio="" if variant.name == "ours" else f"{ratio:.1f} ×")


def _first_answer(samples: Samples, name: str, function: str) -> float:
    return median(sample.first_answer_ms for sample in samples[name, function])
