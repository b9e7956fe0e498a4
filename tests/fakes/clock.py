"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2096, 1, 8, 10, 0, tzinfo=UTC)
"""Far ahead: what expires by this clock is not yet swept by a MongoDB that has the real one."""


class VirtualClock:
    """Time as the test says. Safe for threads."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._lock = Lock()

    def now(self) -> datetime:
        """The time that was last set."""
        with self._lock:
            return self._now

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        """Let time pass: `advance(5)`, `advance(minutes=3)`; the new time in whole milliseconds."""
        with self._lock:
            later = self._now + timedelta(seconds=seconds, **parts)
            self._now = later.replace(microsecond=later.microsecond // 1000 * 1000)
            return self._now

    def set(self, now: datetime) -> None:
        """Jump to a time, also back: two machines never agree."""
        with self._lock:
            self._now = now
