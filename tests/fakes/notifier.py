"""A notifier that records the announcements."""

from collections.abc import Sequence
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, JobId


class RecordingNotifier:
    """See `ports.Notifier`. Safe for threads.

    With `available = False` nothing is recorded and `Unavailable` is raised. With `answers_lost = True` the
    announcements are recorded, but `Unavailable` is raised because the response is lost.
    """

    def __init__(self) -> None:
        self._published: list[tuple[JobId, Announcement]] = []
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    @property
    def published(self) -> list[tuple[JobId, Announcement]]:
        """Return everything that was published, oldest first, including repeats."""
        with self._lock:
            return list(self._published)

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Record the announcements."""
        if not self.available:
            raise Unavailable
        with self._lock:
            self._published += [(job_id, announcement) for announcement in announcements]
        if self.answers_lost:
            raise Unavailable
