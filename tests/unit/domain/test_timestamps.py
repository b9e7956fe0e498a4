"""Timestamps have the form of JavaScript's `toISOString`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from videojobs.domain.timestamps import format_timestamp


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 8, 10, tzinfo=UTC), "2026-01-08T10:00:00.000Z"),
        (datetime(2026, 1, 8, 10, 0, 0, 999_999, tzinfo=UTC), "2026-01-08T10:00:00.999Z"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2025-12-31T23:30:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(at: datetime, text: str) -> None:
    assert format_timestamp(at) == text
