"""Reader of the pause that a response asks for."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAXIMUM_RETRY_AFTER_SECONDS = 3600.0
"""Longest pause that is accepted, which is the default deadline of a job. Longer pauses are shortened to it."""

MAXIMUM_DATE_CHARACTERS = 100

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def read_retry_after(headers: Mapping[str, str], payload: object = None) -> float | None:
    """Return the seconds to wait before a retry (0 to `MAXIMUM_RETRY_AFTER_SECONDS`), or None without a valid value.

    Reads the header `retry-after-ms`, or `Retry-After` as seconds or as a date in one of the three forms of RFC 9110
    (5.6.7 and 10.2.3). Without the header `Retry-After`, a number `retry_after` in the response's JSON is used.
    A decimal fraction is accepted, because some providers send one. Other values are ignored.
    """
    match payload:
        case {"retry_after": int() | float() as seconds} if "retry-after" not in headers and not isinstance(
            seconds, bool
        ):
            return _limit(seconds)
    if "retry-after-ms" in headers:
        milliseconds = headers["retry-after-ms"].strip()
        return _limit(float(milliseconds) / 1000) if _NUMBER.fullmatch(milliseconds) else None
    value = headers.get("retry-after", "").strip()
    return _limit(float(value)) if _NUMBER.fullmatch(value) else _seconds_until(value)


def _limit(seconds: float) -> float | None:
    if isinstance(seconds, float) and math.isnan(seconds):
        return None
    return float(min(max(seconds, 0), MAXIMUM_RETRY_AFTER_SECONDS))


def _seconds_until(date: str) -> float | None:
    if not date.isascii() or len(date) > MAXIMUM_DATE_CHARACTERS:
        return None
    try:
        at = parsedate_to_datetime(date)
        return _limit((at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
