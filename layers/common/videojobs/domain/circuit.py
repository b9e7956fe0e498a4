"""The circuit breaker of a provider: after failures in a row nobody calls it for a while, then one job tries first.

Michael Nygard, Release It!, "Circuit Breaker". It is shared by all workers through MongoDB, because an SQS batch with
partial responses doesn't slow Lambda down by itself: a dead provider would burn every job's attempts.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=30)
OPEN_AT_MOST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a provider has been doing. `version` guards the stored state; `opened` counts openings since it was well."""

    provider: str
    failures: int = 0
    opened: int = 0
    open_until: datetime | None = None
    version: int = 0

    def blocks(self, now: datetime) -> bool:
        """Whether it must not be called now."""
        return self.open_until is not None and now < self.open_until

    def probing(self, now: datetime) -> Self:
        """The circuit while one job tries: closed to all others for as long as it was open."""
        return replace(self, open_until=now + _pause(self.opened), version=self.version + 1)

    def succeeded(self) -> Self:
        """The provider is well."""
        return replace(self, failures=0, opened=0, open_until=None, version=self.version + 1)

    def failed(self, now: datetime) -> Self:
        """One more failure; the fifth in a row opens it, and each failed probe opens it for twice as long."""
        after = replace(self, failures=self.failures + 1, version=self.version + 1)
        if after.failures < FAILURES_TO_OPEN:
            return after
        return replace(after, opened=self.opened + 1, open_until=now + _pause(self.opened + 1))


def _pause(opened: int) -> timedelta:
    doubled: int = 2 ** min(max(opened - 1, 0), 16)
    return min(OPEN_FOR * doubled, OPEN_AT_MOST)
