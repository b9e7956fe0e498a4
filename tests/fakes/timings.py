"""How long jobs took, in memory."""

from collections import deque
from statistics import median
from threading import Lock

from videojobs.domain.errors import Unavailable

KEPT = 50


class InMemoryTimingRepository:
    """See `ports.TimingRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self, **seconds: float) -> None:
        self._seconds = {kind: deque([each], KEPT) for kind, each in seconds.items()}
        self._lock = Lock()
        self.available = True

    def record(self, kind: str, seconds: float) -> None:
        """Keep it among the last ones."""
        with self._answering():
            self._seconds.setdefault(kind, deque(maxlen=KEPT)).append(seconds)

    def usual_seconds(self, kind: str) -> float | None:
        """The median."""
        with self._answering():
            return median(self._seconds[kind]) if kind in self._seconds else None

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
