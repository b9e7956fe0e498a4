"""An in-memory repository of erasures in progress."""

from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import UserId


class InMemoryErasureRepository:
    """See `ports.ErasureRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self) -> None:
        self._times: dict[UserId, datetime] = {}
        self._lock = Lock()
        self.available = True

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Store the later of the stored and the given time."""
        with self._available_lock():
            self._times[user_id] = max(created_before, self._times.get(user_id, created_before))

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """Return the erasures in the order of their first request, up to the limit."""
        with self._available_lock():
            return list(self._times.items())[:limit]

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Remove the erasure, unless a later time is stored."""
        with self._available_lock():
            if self._times.get(user_id, created_before) <= created_before:
                self._times.pop(user_id, None)

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
