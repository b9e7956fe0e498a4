"""The erasures that are under way, in memory."""

from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import UserId


class InMemoryErasureRepository:
    """See `ports.ErasureRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self) -> None:
        self._moments: dict[UserId, datetime] = {}
        self._lock = Lock()
        self.available = True

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Keep the later of two moments."""
        with self._answering():
            self._moments[user_id] = max(created_before, self._moments.get(user_id, created_before))

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """In the order of their coming."""
        with self._answering():
            return list(self._moments.items())[:limit]

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Forget it, unless a later one stands there."""
        with self._answering():
            if self._moments.get(user_id, created_before) <= created_before:
                self._moments.pop(user_id, None)

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
