"""Check of the time at which a callback was signed."""

import re
from datetime import UTC, datetime

from videojobs.domain.errors import CallbackRefused
from videojobs.ports.callbacks import MAXIMUM_AGE

_SECONDS = re.compile(r"[0-9]{1,11}")


def read_signed_at(seconds: str, now: datetime) -> datetime:
    """Return the time of a header value in seconds since 1970.

    Raises:
        CallbackRefused: If the value is malformed or differs from `now` by more than `MAXIMUM_AGE`, as when an old
            callback is replayed.
    """
    if not _SECONDS.fullmatch(seconds):
        raise CallbackRefused
    at = datetime.fromtimestamp(int(seconds), UTC)
    if abs(now - at) > MAXIMUM_AGE:
        raise CallbackRefused
    return at
