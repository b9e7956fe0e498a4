"""Clock of the operating system."""

from datetime import UTC, datetime


class SystemClock:
    """Clock that returns UTC in whole milliseconds, the precision of MongoDB. Implements `ports.Clock`."""

    def now(self) -> datetime:
        """Return the current time as an aware UTC datetime, truncated to milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
