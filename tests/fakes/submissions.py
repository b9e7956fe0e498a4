"""The intake's switch in memory."""

from datetime import datetime

from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import OPEN, SubmissionState


class InMemorySubmissionRepository:
    """See `ports.SubmissionRepository`. `available = False` makes every call raise `Unavailable`."""

    def __init__(self, submissions: SubmissionState = OPEN) -> None:
        self._intake = submissions
        self.available = True

    def read(self, now: datetime) -> SubmissionState:
        """As it stands."""
        self._answer()
        return self._intake

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Since now, or since it was paused."""
        self._answer()
        self._intake = SubmissionState(self._intake.paused_at or now, reason, retry_after_seconds)
        return self._intake

    def resume(self) -> None:
        """Open it."""
        self._answer()
        self._intake = OPEN

    def _answer(self) -> None:
        if not self.available:
            raise Unavailable
