"""`make chaos`: stories of the model for as long as one likes. The same seed tells the same stories."""

import argparse
import logging
import time
from collections.abc import Callable
from random import randrange

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import VideoJobsMachine

STORIES_A_ROUND = 500


def tell_stories(number: int, *, stories: int = STORIES_A_ROUND, shrink: bool = True) -> None:
    """Run so many stories from that seed; the first one that breaks an invariant is shrunk, printed and raised."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seed(number)
    def machine() -> VideoJobsMachine:
        return VideoJobsMachine()

    chosen = settings(
        max_examples=stories,
        stateful_step_count=40,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


def run_rounds(first: int, seconds: float, tell: Callable[[int], None]) -> int:
    """Round after round, each with a seed of its own, until the time is up; how many rounds there were."""
    until = time.monotonic() + seconds
    number = first
    while True:
        try:
            tell(number)
        except BaseException:
            print(f"\nA story broke an invariant. Tell it again with: make chaos SEED={number} MINUTES=0")  # noqa: T201
            raise
        number += 1
        if time.monotonic() >= until:
            return number - first


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="where to begin; random if not given, and printed")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--stories", type=int, default=STORIES_A_ROUND, help="per seed")
    parser.add_argument("--no-shrink", action="store_true", help="stop at the first failure as it is")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    first = randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed: {first}", flush=True)  # noqa: T201
    began = time.monotonic()
    rounds = run_rounds(
        first,
        60 * chosen.minutes,
        lambda number: tell_stories(number, stories=chosen.stories, shrink=not chosen.no_shrink),
    )
    print(f"stories: {rounds * chosen.stories}\nseconds: {time.monotonic() - began:.0f}\nbroken: 0")  # noqa: T201


if __name__ == "__main__":
    main()
