"""A clock that only tests advance."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2096, 1, 8, 10, 0, tzinfo=UTC)
"""Far in the future, so that MongoDB's TTL monitor, which uses the real time, removes nothing."""


@dataclass(eq=False)
class _Timer:
    due_at: datetime
    interval: timedelta
    action: Callable[[], bool]
    is_stopped: bool = False


class VirtualClock:
    """A clock that shows the time that a test has set. Safe for threads, except for `every`."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._lock = Lock()
        self._timers: list[_Timer] = []

    def now(self) -> datetime:
        """Return the time that was set last."""
        with self._lock:
            return self._now

    @contextmanager
    def every(self, interval: timedelta, action: Callable[[], bool]) -> Iterator[None]:
        """Call `action` from `advance`, at each time that it passes, until it returns False or the context ends."""
        timer = _Timer(self.now() + interval, interval, action)
        self._timers.append(timer)
        try:
            yield
        finally:
            timer.is_stopped = True
            self._timers.remove(timer)

    def advance(self, seconds: float = 0, **parts: float) -> datetime:
        """Advance the clock, as in `advance(5)` or `advance(minutes=3)`; return the new time in whole milliseconds."""
        later = self.now() + timedelta(seconds=seconds, **parts)
        for timer in self._timers:
            while timer.due_at <= later and not timer.is_stopped:
                self.set(timer.due_at)
                timer.due_at += timer.interval
                timer.is_stopped = not timer.action()
        return self.set(later)

    def set(self, now: datetime) -> datetime:
        """Set the time in whole milliseconds, and return it. It may be earlier: the clocks of two machines differ."""
        with self._lock:
            self._now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            return self._now
