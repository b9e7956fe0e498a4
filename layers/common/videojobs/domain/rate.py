"""Rate limits of a user, and the calls that remain."""

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Limit of `calls` calls in any window of one minute. `name` identifies the kind of call."""

    name: str
    calls: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls that remain after a call was counted. More are allowed in `reset_seconds`, when the oldest call expires."""

    limit: RateLimit
    remaining: int
    reset_seconds: int
