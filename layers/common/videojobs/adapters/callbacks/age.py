"""When a callback was signed."""

import re
from datetime import UTC, datetime

from videojobs.domain.errors import CallbackRefused
from videojobs.ports.callbacks import MAXIMUM_AGE

_SECONDS = re.compile(r"[0-9]{1,11}")


def read_signed_at(seconds: str, now: datetime) -> datetime:
    """The time of a header that tells seconds since 1970.

    Raises:
        CallbackRefused: it is none, or too far from now: an old callback is played again, or a clock is wrong.
    """
    if not _SECONDS.fullmatch(seconds):
        raise CallbackRefused
    at = datetime.fromtimestamp(int(seconds), UTC)
    if abs(now - at) > MAXIMUM_AGE:
        raise CallbackRefused
    return at
