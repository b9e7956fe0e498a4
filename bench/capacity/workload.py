"""Who asks for a video when, on a day as `bench/capacity/simulation.py` simulates it."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 86_400.0
PEAK = 1.8
"""The busiest moment's rate over the day's mean."""
SKEW = 0.8
"""Of Zipf's law: the most active of 10,000 users then makes 1 job of 60, the first hundred a third of all."""
FLOOD = 250
FLOODER = -1
"""Who asks for so many at once."""


@dataclass(frozen=True, slots=True)
class Day:
    """How much is asked for, by how many; `high_share` of the jobs are of high priority. `curved`: as a day goes."""

    jobs: int = 1_000_000
    users: int = 10_000
    high_share: float = 0.02
    seconds: float = DAY
    curved: bool = True
    seed: int = 1


def arrivals(day: Day) -> Iterator[tuple[float, int, bool]]:
    """When, whose, whether of high priority; in order. A Poisson process whose rate follows the day, thinned."""
    draw = random.Random(day.seed)
    weights = [1 / (rank + 1) ** SKEW for rank in range(day.users)]
    users = draw.choices(range(day.users), weights, k=day.jobs * 2 + 1_000)
    mean, flood_at, now, count = day.jobs / day.seconds, 0.3 * day.seconds, 0.0, 0
    while (now := now + draw.expovariate(mean * PEAK)) < day.seconds:
        if now >= flood_at:
            yield from ((flood_at, FLOODER, False) for _ in range(FLOOD))
            flood_at = math.inf
        if draw.random() < (rate_at(now / day.seconds) if day.curved else 1) / PEAK:
            yield now, users[count % len(users)], draw.random() < day.high_share
            count += 1


def rate_at(part_of_day: float) -> float:
    """The rate over its mean: quiet at four in the morning, busiest twelve hours later."""
    return 1 - (PEAK - 1) * math.cos(2 * math.pi * (part_of_day - 4 / 24))
