"""`make chaos`: random histories of the model for a given time. The same seed repeats the same histories."""

import argparse
import logging
import time
from collections.abc import Callable
from random import randrange

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import VideoJobsMachine

HISTORIES_PER_SEED = 500


def run_histories(number: int, *, histories: int = HISTORIES_PER_SEED, shrink: bool = True) -> None:
    """Run histories from a seed. The first one that violates an invariant is shrunk, printed and raised."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seed(number)
    def machine() -> VideoJobsMachine:
        return VideoJobsMachine()

    chosen = settings(
        max_examples=histories,
        stateful_step_count=40,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


def run_rounds(first: int, seconds: float, run: Callable[[int], None]) -> int:
    """Call `run` with consecutive seeds until the time is over. Return the number of calls, at least 1."""
    until = time.monotonic() + seconds
    number = first
    while True:
        try:
            run(number)
        except BaseException:
            print(f"\nA history violated an invariant. Repeat it with: make chaos SEED={number} MINUTES=0")  # noqa: T201
            raise
        number += 1
        if time.monotonic() >= until:
            return number - first


def main() -> None:
    """Parse the command line, run the histories and print a summary."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="first seed; random by default")
    parser.add_argument("--minutes", type=float, default=10, help="duration; default %(default)s")
    parser.add_argument("--histories", type=int, default=HISTORIES_PER_SEED, help="per seed")
    parser.add_argument("--no-shrink", action="store_true", help="do not shrink the first failure")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first = randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed: {first}", flush=True)  # noqa: T201
    began = time.monotonic()
    rounds = run_rounds(
        first,
        60 * chosen.minutes,
        lambda number: run_histories(number, histories=chosen.histories, shrink=not chosen.no_shrink),
    )
    print(f"histories: {rounds * chosen.histories}\nseconds: {time.monotonic() - began:.0f}\nbroken: 0")  # noqa: T201


if __name__ == "__main__":
    main()
