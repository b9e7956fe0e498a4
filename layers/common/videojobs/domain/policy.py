"""How patient we are: leases, attempts, pauses and deadlines, and the arithmetic of backing off."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """One deployment's patience.

    `lease_duration`: how long a step is ours without a sign of life; a killed worker's job waits that long, and at most
    one sweep more. `retention`: how long an ended job is kept. `maximum_attempts`: how many generations one job may
    cost. `deadline`: how long after its first start a job ends, whatever happens. `callbacks_url`: the API's own
    address, under which a provider can call back; empty: none is to.
    """

    lease_duration: timedelta = timedelta(seconds=25)
    retention: timedelta = timedelta(days=30)
    maximum_attempts: int = 3
    deadline: timedelta = timedelta(hours=1)
    callbacks_url: str = ""


BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MOST = timedelta(minutes=5)


def backoff(failures: int, retry_after_seconds: float | None = None) -> timedelta:
    """How long to wait after the n-th failure in a row (n ≥ 1): exponential, with full jitter.

    A random share of 5 s, 10 s, 20 s … 5 min, so that jobs that failed together don't come back together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). What the provider asked for
    (`Retry-After`) is waited for at least.
    """
    doubled: int = 2 ** min(failures - 1, 16)
    ceiling = min(BACKOFF_FIRST * doubled, BACKOFF_MOST)
    jittered = ceiling * random.random()  # noqa: S311 - spreads load, guards nothing
    return max(jittered, timedelta(seconds=retry_after_seconds or 0))
