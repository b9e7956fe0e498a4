"""An in-memory rate limiter."""

from datetime import datetime
from math import ceil
from threading import Lock

from videojobs.domain.errors import RateLimited, Unavailable
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit


class InMemoryRateLimiter:
    """See `ports.RateLimiter`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self) -> None:
        self._calls: dict[tuple[UserId, str], list[datetime]] = {}
        self._lock = Lock()
        self.available = True

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count the call unless the limit of the minute that ends now is reached."""
        if not self.available:
            raise Unavailable
        with self._lock:
            calls = self._calls.setdefault((user_id, limit.name), [])
            calls[:] = [at for at in calls if at > now - WINDOW]
            if len(calls) >= limit.calls:
                raise RateLimited(_seconds_until(calls[-limit.calls], now))
            calls.append(now)
            return Allowance(limit, limit.calls - len(calls), _seconds_until(calls[0], now))


def _seconds_until(call: datetime, now: datetime) -> int:
    return max(ceil((call + WINDOW - now).total_seconds()), 1)
