"""A notifier that keeps what it was told to publish."""

from collections.abc import Sequence
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, JobId


class RecordingNotifier:
    """See `ports.Notifier`. Safe for threads. `available = False`: nothing is taken and `Unavailable` raised."""

    def __init__(self) -> None:
        self._published: list[tuple[JobId, Announcement]] = []
        self._lock = Lock()
        self.available = True

    @property
    def published(self) -> list[tuple[JobId, Announcement]]:
        """Everything that was taken, in order, repeats included."""
        with self._lock:
            return list(self._published)

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Keep them."""
        if not self.available:
            raise Unavailable
        with self._lock:
            self._published += [(job_id, announcement) for announcement in announcements]
