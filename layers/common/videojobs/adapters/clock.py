"""The system's clock."""

from datetime import UTC, datetime


class SystemClock:
    """UTC, cut to whole milliseconds: what MongoDB holds."""

    def now(self) -> datetime:
        """The present."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
