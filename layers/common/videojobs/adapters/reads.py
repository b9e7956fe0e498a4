"""Limiter of a user's reads that counts in the process first, and in MongoDB only for users with many reads."""

from collections import deque
from datetime import datetime

from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, RateLimit, uncounted_calls
from videojobs.ports.fairness import RateLimiter

MAXIMUM_USERS = 1000
"""Users whose reads a process counts at a time. The reads of further users are counted in MongoDB."""


class LocalFirstReadLimiter:
    """Limiter that counts reads in the process. Implements `ports.ReadLimiter`.

    A read is also counted in MongoDB if the process has counted `uncounted_calls` reads of the user within `WINDOW`. Of
    a user's reads within `WINDOW`, each process therefore leaves out at most that number. Users without a read within
    `WINDOW` are forgotten, so the memory is bounded. Not safe for threads: an environment of Lambda handles one request
    at a time.
    """

    def __init__(self, shared: RateLimiter) -> None:
        """Create a limiter without reads; `shared` counts in MongoDB."""
        self._shared = shared
        self._reads: dict[UserId, deque[datetime]] = {}

    @property
    def users(self) -> int:
        """Return the number of users whose reads are kept."""
        return len(self._reads)

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> None:
        """Count one read in the process, and in MongoDB if the user has many.

        Raises:
            RateLimited: If the limit is reached in MongoDB.
            Unavailable: If MongoDB does not respond in time when the read is counted there.
        """
        if not self._is_uncounted(user_id, uncounted_calls(limit), now):
            self._shared.count(user_id, limit, now)

    def _is_uncounted(self, user_id: UserId, uncounted: int, now: datetime) -> bool:
        """Count the read in the process; return whether it is one of the first `uncounted` within `WINDOW`."""
        reads = self._reads.pop(user_id, None)
        self._forget(now - WINDOW)
        if uncounted == 0 or (reads is None and len(self._reads) >= MAXIMUM_USERS):
            return False
        if reads is None or reads.maxlen != uncounted:
            reads = deque(maxlen=uncounted)
        self._reads[user_id] = reads  # the users are ordered by their last read
        is_uncounted = len(reads) < uncounted or reads[0] <= now - WINDOW
        reads.append(now)
        return is_uncounted

    def _forget(self, since: datetime) -> None:
        while self._reads:
            user_id, reads = next(iter(self._reads.items()))
            if reads[-1] > since:
                return
            del self._reads[user_id]
