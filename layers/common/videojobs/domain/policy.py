"""Retry and timeout policy: leases, attempts, deadlines and backoff."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """Retry and timeout policy of a deployment.

    `lease_duration`: how long a lease lasts unless it is renewed. After a worker crashes, its job waits for that time
    and at most one sweep of the reconciler. `retention`: how long an ended job is kept. `maximum_attempts`: how many
    attempts a job has before it fails. `deadline`: the time after its first start when a live job fails.
    `callbacks_url`: the base URL of this API for the callbacks of providers, or "" to use polling only.
    """

    lease_duration: timedelta = timedelta(seconds=25)
    retention: timedelta = timedelta(days=30)
    maximum_attempts: int = 3
    deadline: timedelta = timedelta(hours=1)
    callbacks_url: str = ""


BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MOST = timedelta(minutes=5)


def backoff(failures: int, retry_after_seconds: float | None = None) -> timedelta:
    """Return the pause after the n-th failure in a row (n ≥ 1): exponential backoff with full jitter.

    The pause is a random part of 5 s, 10 s, 20 s … 5 min, so that jobs that failed together are not retried together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). It is at least `retry_after_seconds`,
    the provider's `Retry-After`.
    """
    doubled: int = 2 ** min(failures - 1, 16)
    ceiling = min(BACKOFF_FIRST * doubled, BACKOFF_MOST)
    jittered = ceiling * random.random()  # noqa: S311 - spreads load, not for security
    return max(jittered, timedelta(seconds=retry_after_seconds or 0))
