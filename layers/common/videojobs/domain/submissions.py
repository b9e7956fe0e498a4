"""State of submissions: operators can pause new jobs. Jobs that were accepted before are not affected."""

from datetime import datetime
from typing import NamedTuple

RETRY_AFTER_SECONDS = 60
"""Default of the `Retry-After` that a refused caller receives while submissions are paused."""
LONGEST_RETRY_AFTER_SECONDS = 86_400
CACHE_SECONDS = 10
"""How long a function uses the state that it read. A pause or resumption takes effect within this time."""


class SubmissionState(NamedTuple):
    """State of submissions: open, or paused since `paused_at`. `reason` is shown to operators, not to callers.

    A NamedTuple, because creating a dataclass takes a millisecond of the cold start of `generate`.
    """

    paused_at: datetime | None = None
    reason: str = ""
    retry_after_seconds: int = RETRY_AFTER_SECONDS

    @property
    def is_paused(self) -> bool:
        """Return whether new jobs are refused."""
        return self.paused_at is not None


OPEN = SubmissionState()
