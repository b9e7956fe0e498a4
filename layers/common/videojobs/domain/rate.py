"""Rate limits of a user, and the calls that remain."""

from datetime import timedelta
from typing import NamedTuple

WINDOW = timedelta(minutes=1)
MAXIMUM_UNCOUNTED_CALLS = 120
"""Reads of a user within `WINDOW` that a process counts without MongoDB."""


class RateLimit(NamedTuple):
    """Limit of `calls` calls in any window of one minute. `name` identifies the kind of call."""

    name: str
    calls: int


class Allowance(NamedTuple):
    """Calls that remain after a call was counted. More are allowed in `reset_seconds`, when the oldest call expires."""

    limit: RateLimit
    remaining: int
    reset_seconds: int


def uncounted_calls(limit: RateLimit) -> int:
    """Return how many reads of a user within `WINDOW` a process counts without MongoDB: at most a fifth of the limit.

    A low limit is therefore not exceeded by much, and a limit below five calls is exact.
    """
    return min(MAXIMUM_UNCOUNTED_CALLS, limit.calls // 5)
