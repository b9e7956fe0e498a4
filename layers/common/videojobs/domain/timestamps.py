"""Format of timestamps in responses, messages and command output."""

from datetime import UTC, datetime


def format_timestamp(at: datetime) -> str:
    """Return a time in UTC with milliseconds, in ISO 8601, as JavaScript's `toISOString` does."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
