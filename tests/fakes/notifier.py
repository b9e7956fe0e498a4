"""A notifier that keeps what was announced."""

from collections.abc import Sequence
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Announcement, JobId


class RecordingNotifier:
    """See `ports.Notifier`. Safe for threads.

    `available = False`: nothing is taken and `Unavailable` raised. `answers_lost = True`: everything is taken, but the
    answer is lost on its way, so that `Unavailable` is raised all the same.
    """

    def __init__(self) -> None:
        self._published: list[tuple[JobId, Announcement]] = []
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    @property
    def published(self) -> list[tuple[JobId, Announcement]]:
        """Everything that was taken, oldest first, repeats included."""
        with self._lock:
            return list(self._published)

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Keep them."""
        if not self.available:
            raise Unavailable
        with self._lock:
            self._published += [(job_id, each) for each in announcements]
        if self.answers_lost:
            raise Unavailable
