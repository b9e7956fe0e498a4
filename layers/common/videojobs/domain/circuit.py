"""Circuit breaker of a provider: several failures in a row open it, and a single job then probes the provider.

Michael Nygard, Release It!, "Circuit Breaker". All workers share it through MongoDB. Failed messages of an SQS batch
do not slow Lambda down, so a provider that is down would otherwise use up the attempts of every job.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

FAILURES_TO_OPEN = 5
OPEN_FOR = timedelta(seconds=30)
OPEN_AT_MOST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Circuit:
    """State of a provider's circuit breaker.

    `failures`: failed calls in a row. `opened`: how often the circuit has opened since the last successful call.
    `open_until`: the end of the current pause, None while the circuit is closed. `version`: guards the stored state
    against concurrent writes.
    """

    provider: str
    failures: int = 0
    opened: int = 0
    open_until: datetime | None = None
    version: int = 0

    def blocks(self, now: datetime) -> bool:
        """Return whether the circuit is open at `now`, so that the provider must not be called."""
        return self.open_until is not None and now < self.open_until

    def probing(self, now: datetime) -> Self:
        """Return the circuit for a probe: open for another pause, so that only the job that stores it makes a call."""
        return replace(self, open_until=now + _pause(self.opened), version=self.version + 1)

    def succeeded(self) -> Self:
        """Return the circuit closed, with its counts reset."""
        return replace(self, failures=0, opened=0, open_until=None, version=self.version + 1)

    def failed(self, now: datetime) -> Self:
        """Return the circuit with another failure counted, and open from the fifth failure in a row.

        The first pause is 30 s. Each further failure doubles it, up to 10 min.
        """
        after = replace(self, failures=self.failures + 1, version=self.version + 1)
        if after.failures < FAILURES_TO_OPEN:
            return after
        return replace(after, opened=self.opened + 1, open_until=now + _pause(self.opened + 1))


def _pause(opened: int) -> timedelta:
    doubled: int = 2 ** min(max(opened - 1, 0), 16)
    return min(OPEN_FOR * doubled, OPEN_AT_MOST)
