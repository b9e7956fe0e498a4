"""A random sample of long parametrized tests, drawn with a seed that the header of the test run shows."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom

SAMPLE_SIZE = 2


@dataclass(frozen=True, slots=True)
class Sampling:
    """Selection of the long tests that this run collects: all of them, or a random sample drawn with `seed`."""

    seed: str
    is_complete: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Sampling":
        """Read `TEST_LONG` (1 runs everything) and `TEST_SEED` (repeats an earlier sample)."""
        seed = environment.get("TEST_SEED") or str(SystemRandom().randrange(1_000_000))
        return cls(seed, is_complete=environment.get("TEST_LONG") == "1")

    def draw[T](self, items: Iterable[T], size: int = SAMPLE_SIZE) -> list[T]:
        """Return all items, or `size` of them; both in their own order."""
        candidates = list(items)
        if self.is_complete or len(candidates) <= size:
            return candidates
        drawn = Random(self.seed).sample(range(len(candidates)), size)
        return [candidates[index] for index in sorted(drawn)]

    def __str__(self) -> str:
        """Return the line for the header of the test run."""
        if self.is_complete:
            return "sampling: off (TEST_LONG=1), every long test is collected"
        return f"sampling: repeat this sample with TEST_SEED={self.seed}, run every long test with TEST_LONG=1"


SAMPLING = Sampling.from_environment(os.environ)
