"""Idempotency: of any number of requests with the same key, one is stored."""

from collections.abc import Callable
from datetime import datetime, timedelta

from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import Batch, IdempotencyKey, UserId, VideoJob
from videojobs.ports.jobs import KeyedRepository

KEY_LIFETIME = timedelta(hours=24)
"""How long an idempotency key identifies a request. After that, another request may use it; the first job is kept."""

KEY_TRIES = 5
"""Maximum number of inserts. Of several callers that compete for an expired key, only one succeeds per round."""


def store_once[T: (VideoJob, Batch)](item: T, add: Callable[[], None], *, repository: KeyedRepository[T]) -> T:
    """Store an item by calling `add`. Return it, or the earlier item that holds its idempotency key.

    Raises:
        IdempotencyMismatch: If the key belongs to another request.
        Unavailable: If MongoDB does not confirm the insert, which may have been applied, or if each of `KEY_TRIES`
            inserts meets another caller's key.
    """
    for _ in range(KEY_TRIES):
        try:
            add()
        except IdempotencyKeyTaken:
            earlier = find_earlier(item.idempotency, user_id=item.user_id, now=item.created_at, repository=repository)
            if earlier is not None:
                return earlier
        else:
            return item
    raise Unavailable


def find_earlier[T: (VideoJob, Batch)](
    key: IdempotencyKey | None, *, user_id: UserId, now: datetime, repository: KeyedRepository[T]
) -> T | None:
    """Return the item stored under this idempotency key, or None. Keys older than `KEY_LIFETIME` are released.

    Raises:
        IdempotencyMismatch: If the key belongs to another request.
        Unavailable: If MongoDB does not respond in time.
    """
    earlier = repository.find_by_key(user_id, key.key) if key else None
    if earlier is None or key is None:
        return None
    if earlier.created_at + KEY_LIFETIME <= now:
        repository.release_key(earlier)
        return None
    if earlier.idempotency is not None and earlier.idempotency.fingerprint != key.fingerprint:
        raise IdempotencyMismatch
    return earlier
