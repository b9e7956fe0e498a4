"""An in-memory repository of the durations of jobs."""

from collections import deque
from statistics import median
from threading import Lock

from videojobs.domain.errors import Unavailable

KEPT = 50


class InMemoryTimingRepository:
    """See `ports.TimingRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self, **seconds: float) -> None:
        self._seconds = {kind: deque([value], KEPT) for kind, value in seconds.items()}
        self._lock = Lock()
        self.available = True

    def record(self, kind: str, seconds: float) -> None:
        """Record the duration; only the newest are kept."""
        with self._available_lock():
            self._seconds.setdefault(kind, deque(maxlen=KEPT)).append(seconds)

    def usual_seconds(self, kind: str) -> float | None:
        """Return the median of the recorded durations, or None without any."""
        with self._available_lock():
            return median(self._seconds[kind]) if kind in self._seconds else None

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
