"""A clock that only tests advance."""

from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2096, 1, 8, 10, 0, tzinfo=UTC)
"""Far in the future, so that MongoDB's TTL monitor, which uses the real time, removes nothing."""


class VirtualClock:
    """A clock that shows the time that a test has set. Safe for threads."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._lock = Lock()

    def now(self) -> datetime:
        """Return the time that was set last."""
        with self._lock:
            return self._now

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        """Advance the clock, as in `advance(5)` or `advance(minutes=3)`; return the new time in whole milliseconds."""
        with self._lock:
            later = self._now + timedelta(seconds=seconds, **parts)
            self._now = later.replace(microsecond=later.microsecond // 1000 * 1000)
            return self._now

    def set(self, now: datetime) -> None:
        """Set the time, which may be earlier: the clocks of two machines differ."""
        with self._lock:
            self._now = now
