"""How much a user may ask for, and what is left of it."""

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `calls` calls in any minute; `name` says of what."""

    name: str
    calls: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit after a call was counted: so many calls until `reset_seconds` from now, then more."""

    limit: RateLimit
    remaining: int
    reset_seconds: int
