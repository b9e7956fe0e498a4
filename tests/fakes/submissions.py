"""An in-memory repository of the state of submissions."""

from datetime import datetime

from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import OPEN, SubmissionState


class InMemorySubmissionRepository:
    """See `ports.SubmissionRepository`. With `available = False` every call raises `Unavailable`."""

    def __init__(self, submissions: SubmissionState = OPEN) -> None:
        self._state = submissions
        self.available = True

    def read(self, now: datetime) -> SubmissionState:
        """Return the current state."""
        self._check_available()
        return self._state

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Pause submissions from now on; a repeated pause keeps its start. Return the new state."""
        self._check_available()
        self._state = SubmissionState(self._state.paused_at or now, reason, retry_after_seconds)
        return self._state

    def resume(self) -> None:
        """Resume submissions."""
        self._check_available()
        self._state = OPEN

    def _check_available(self) -> None:
        if not self.available:
            raise Unavailable
