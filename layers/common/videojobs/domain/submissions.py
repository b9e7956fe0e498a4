"""The intake: whether new jobs are taken at the moment. Operators pause it; what was taken before goes on."""

from datetime import datetime
from typing import NamedTuple

RETRY_AFTER_SECONDS = 60
"""What a refused caller is told to wait, unless the operator says otherwise."""
LONGEST_RETRY_AFTER_SECONDS = 86_400


class SubmissionState(NamedTuple):
    """Open, or paused since `paused_at`. `reason` is for operators; no caller is shown it.

    A NamedTuple, as a dataclass would take a millisecond of `generate`'s cold start.
    """

    paused_at: datetime | None = None
    reason: str = ""
    retry_after_seconds: int = RETRY_AFTER_SECONDS

    @property
    def is_paused(self) -> bool:
        """Whether new jobs are refused."""
        return self.paused_at is not None


OPEN = SubmissionState()
