"""Rate limiter that stores the times of recent calls per user and rate limit, in the collection `rates`."""

from datetime import datetime, timedelta
from math import ceil

from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit

COLLECTION = "rates"

_TRIES = 3
"""How often counting is tried; a try fails if a concurrent call inserts the document."""
_UNJOURNALED = WriteConcern(w=1, j=False)
"""A failover can lose a few counted calls. That is acceptable, and waiting for the journal would slow every request."""


class MongoRateLimiter:
    """Sliding-log rate limiter in MongoDB. Implements `ports.RateLimiter`.

    `_id` is `limit:userId`, and `calls` are the times of the last calls in milliseconds since 1970, newest first.
    """

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection
        self._refused_until_ms: dict[tuple[str, int], int] = {}

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count one call and return the remaining allowance, in one operation.

        The update that counts has the condition in its guard, so that concurrent calls can't exceed the limit.
        The first refused call of a user takes two operations. The next ones take none until a call expires, because no
        call is allowed earlier.

        Raises:
            RateLimited: If the limit is reached in the last `WINDOW`, or if concurrent calls interfere three times. The
                call is not counted.
            Unavailable: If MongoDB does not respond in time; the call may have been counted.
        """
        key = f"{limit.name}:{user_id}"
        now_ms = round(now.timestamp() * 1000)
        since_ms = now_ms - WINDOW // timedelta(milliseconds=1)
        refused_ms = self._refused_until_ms.get((key, limit.calls), 0) - now_ms
        if 0 < refused_ms <= now_ms - since_ms:
            raise RateLimited(_seconds(refused_ms))
        for _ in range(_TRIES):
            document = self._push(key, limit, now_ms, since_ms, now + WINDOW)
            if document is not None:
                recent = _recent(document, limit, since_ms) or [now_ms]
                return Allowance(limit, limit.calls - len(recent), _seconds(recent[-1] - since_ms))
            document = self._connection.run(lambda database: database[COLLECTION].find_one({"_id": key}))
            recent = _recent(document or {}, limit, since_ms)
            if len(recent) >= limit.calls:
                self._refuse((key, limit.calls), now_ms, recent[-1] + now_ms - since_ms)
                raise RateLimited(_seconds(recent[-1] - since_ms))
        raise RateLimited

    def _refuse(self, key: tuple[str, int], now_ms: int, until_ms: int) -> None:
        """Remember until when calls are refused, and forget the refusals that have ended."""
        current = {refused: until for refused, until in self._refused_until_ms.items() if until > now_ms}
        self._refused_until_ms = current | {key: until_ms}

    def _push(self, key: str, limit: RateLimit, now_ms: int, since_ms: int, expires_at: datetime) -> Document | None:
        """Add a call and return the document, or return None if the limit is reached since `since_ms`.

        An upsert whose guard does not match fails with a duplicate key, because the document already exists. MongoDB
        can also report this for one of two concurrent first calls.
        """
        guard = {"_id": key, f"calls.{limit.calls - 1}": {"$not": {"$gt": since_ms}}}
        change = {
            "$push": {"calls": {"$each": [now_ms], "$position": 0, "$slice": limit.calls}},
            "$set": {"expiresAt": expires_at},
        }
        try:
            document: Document | None = self._connection.run(
                lambda database: database.get_collection(COLLECTION, write_concern=_UNJOURNALED).find_one_and_update(
                    guard, change, upsert=True, return_document=ReturnDocument.AFTER
                )
            )
        except DuplicateKeyError:
            return None
        return document or {}


def _recent(document: Document, limit: RateLimit, since_ms: int) -> list[int]:
    """Return the times of the last calls since `since_ms`, newest first, at most as many as the limit."""
    return [at for at in document.get("calls", ())[: limit.calls] if at > since_ms]


def _seconds(milliseconds: int) -> int:
    """Return whole seconds, rounded up, at least 1."""
    return max(ceil(milliseconds / 1000), 1)
