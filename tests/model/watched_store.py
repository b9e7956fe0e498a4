"""Video store of the model that records which actor uploaded each object."""

from collections.abc import Callable
from pathlib import Path

from tests.fakes.store import InMemoryVideoStore
from tests.model.actors import Actor, Outcome
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import ReportProgress


class WatchedVideoStore(InMemoryVideoStore):
    """See `ports.VideoStore`. `caller` makes the current call; it is late if it has lost its lease."""

    def __init__(self) -> None:
        super().__init__()
        self.caller: Actor | None = None
        self.caller_is_late = False
        self._late_callers: dict[str, Actor | None] = {}

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Record the caller of a late upload."""
        self._late_callers[key] = self.caller if self.caller_is_late else None
        return super().put(path, key, content_type, on_progress)

    def unexplained(self, is_unowned: Callable[[str], bool]) -> list[str]:
        """Return the keys of unowned objects, except late uploads whose uploader crashed before removing them."""
        keys = [key for key in self.objects if is_unowned(key.split("/")[1])]
        left_by = {key: self._late_callers.get(key) for key in keys}
        return [key for key, caller in left_by.items() if caller is None or caller.outcome is Outcome.DONE]
