"""Workload of the day that `bench/capacity/simulation.py` simulates: users, times and priorities of its jobs."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 86_400.0
PEAK = 1.8
"""Rate of the busiest moment, as a multiple of the day's mean."""
SKEW = 0.8
"""Exponent of Zipf's law. Of 10,000 users, the most active creates 1 job in 60, and the first 100 a third of all."""
FLOOD = 250
FLOODER = -1
"""User that submits `FLOOD` jobs at once."""


@dataclass(frozen=True, slots=True)
class Day:
    """Load of a day. If `curved`, the rate follows the time of day; otherwise it is constant.

    `high_share` is the fraction of the jobs with high priority.
    """

    jobs: int = 1_000_000
    users: int = 10_000
    high_share: float = 0.02
    seconds: float = DAY
    curved: bool = True
    seed: int = 1


def arrivals(day: Day) -> Iterator[tuple[float, int, bool]]:
    """Yield the day's jobs in order of time: (seconds, user, whether the priority is high).

    The times are a Poisson process whose rate follows the day, by thinning; the same day gives the same jobs. When 30 %
    of the day have passed, one user (the flooder) submits 250 additional jobs.
    """
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
    """Return the rate as a multiple of the mean: lowest at four in the morning, highest twelve hours later."""
    return 1 - (PEAK - 1) * math.cos(2 * math.pi * (part_of_day - 4 / 24))
