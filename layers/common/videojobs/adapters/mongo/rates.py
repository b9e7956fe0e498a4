"""Rate limiter that stores the times of recent calls per user and rate limit, in the collection `rates`."""

from datetime import datetime, timedelta
from math import ceil

from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit

COLLECTION = "rates"

_TRIES = 3
"""How often counting is tried; a try fails if a concurrent call changed the document."""
_UNJOURNALED = WriteConcern(w=1, j=False)
"""A failover can lose a few counted calls. That is acceptable, and waiting for the journal would slow every request."""


class MongoRateLimiter:
    """Sliding-log rate limiter in MongoDB. Implements `ports.RateLimiter`.

    `_id` is `limit:userId`, and `calls` are the times of the last calls in milliseconds since 1970, newest first.
    """

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count one call and return the remaining allowance.

        The update that counts repeats the condition in its guard, so that concurrent calls can't exceed the limit.

        Raises:
            RateLimited: If the limit is reached in the last `WINDOW`, or if concurrent calls interfere three times. The
                call is not counted.
            Unavailable: If MongoDB does not respond in time; the call may have been counted.
        """
        key = f"{limit.name}:{user_id}"
        now_ms = round(now.timestamp() * 1000)
        since_ms = now_ms - WINDOW // timedelta(milliseconds=1)
        for _ in range(_TRIES):
            document: Document | None = self._connection.run(
                lambda database: database[COLLECTION].find_one({"_id": key})
            )
            recent = [at for at in (document["calls"] if document else ())[: limit.calls] if at > since_ms]
            if len(recent) >= limit.calls:
                raise RateLimited(_seconds(recent[-1] - since_ms))
            if self._push(key, limit, now_ms, since_ms, now + WINDOW):
                oldest_ms = recent[-1] if recent else now_ms
                return Allowance(limit, limit.calls - len(recent) - 1, _seconds(oldest_ms - since_ms))
        raise RateLimited

    def _push(self, key: str, limit: RateLimit, now_ms: int, since_ms: int, expires_at: datetime) -> bool:
        """Add a call if the limit is not reached since `since_ms`; return whether it was added."""
        guard = {"_id": key, f"calls.{limit.calls - 1}": {"$not": {"$gt": since_ms}}}
        change = {
            "$push": {"calls": {"$each": [now_ms], "$position": 0, "$slice": limit.calls}},
            "$set": {"expiresAt": expires_at},
        }
        try:
            self._connection.run(
                lambda database: database.get_collection(COLLECTION, write_concern=_UNJOURNALED).update_one(
                    guard, change, upsert=True
                )
            )
        except DuplicateKeyError:
            return False
        return True


def _seconds(milliseconds: int) -> int:
    """Return whole seconds, rounded up, at least 1."""
    return max(ceil(milliseconds / 1000), 1)
