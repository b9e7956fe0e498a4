"""Cold starts: a fresh process to its first answer, every variant in turn so that noise meets all alike."""

from collections.abc import Mapping
from random import shuffle
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
        order = [(variant, function) for variant in variants for function in FUNCTIONS]
        shuffle(order)  # whoever comes first meets what the last one left behind
        for variant, function in order:
            sample = measure_cold_start(
                variant, function, runtime=runtime, environment=services.environment, event=services.events[function]
            )
            if turn >= 0:  # the first one only fills the file cache
                samples[variant.name, function].append(sample)
    return Section(
        title="Cold start, to the first answer",
        method=(
            f"The quickest of {rounds} fresh processes under AWS's runtime client: other work on the machine can only "
            "lengthen it. In brackets the median, and the median of the processor time. The variants come in another "
            "order each round. Init, first call, both secrets, MongoDB and (generate) SQS are included."
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
    """One line of the table, and the ratio that is promised for this peer."""
    took, own = (_quickest(samples[name, function]) for name in (variant.name, "ours"))
    middle = median(sample.first_answer_ms for sample in samples[variant.name, function])
    cpu = median(sample.cpu_ms for sample in samples[variant.name, function])
    name, measured = f"{function}: {variant.title}", f"{took:.0f} ms ({middle:.0f}, {cpu:.0f})"
    if variant.name == "ours":
        return Figure(name, measured)
    if variant.name == "floor":
        ratio, must = own / took, f"ours ≤ {_AT_MOST_TIMES_FLOOR} × this"
        return Figure(name, measured, must, f"{ratio:.2f} ×", reached=ratio <= _AT_MOST_TIMES_FLOOR)
    ratio = took / own
    if variant.name == "usual":
        wanted = _AT_LEAST_TIMES_FASTER[function]
        return Figure(name, measured, f"ours ≥ {wanted:g} × faster", f"{ratio:.1f} ×", reached=ratio >= wanted)
    return Figure(name, measured, ratio=f"{ratio:.1f} ×")


def _first_call_figure(starts: list[ColdStart], function: str) -> Figure:
    """What is left for the first call, for which a small function has but a fraction of a processor."""
    first_call_ms = median(start.first_answer_ms - start.init_ms for start in starts)
    return Figure(f"{function}: as built, the first call alone", f"{first_call_ms:.0f} ms")


def _quickest(starts: list[ColdStart]) -> float:
    return min(start.first_answer_ms for start in starts)
