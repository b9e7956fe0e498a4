"""The bucket of the model, with a note of who put what there."""

from collections.abc import Callable
from pathlib import Path

from tests.fakes.store import InMemoryVideoStore
from tests.model.actors import Actor, Outcome
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import ReportProgress


class WatchedVideoStore(InMemoryVideoStore):
    """See `ports.VideoStore`. `caller` makes the present call; late is one that has lost its lease."""

    def __init__(self) -> None:
        super().__init__()
        self.caller: Actor | None = None
        self.caller_is_late = False
        self._late_callers: dict[str, Actor | None] = {}

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Note who it was, if it was too late."""
        self._late_callers[key] = self.caller if self.caller_is_late else None
        return super().put(path, key, content_type, on_progress)

    def unexplained(self, is_nobodys: Callable[[str], bool]) -> list[str]:
        """What lies there and is nobody's, although who put it was not too late, or lived to take it away again."""
        keys = [key for key in self.objects if is_nobodys(key.split("/")[1])]
        left_by = {key: self._late_callers.get(key) for key in keys}
        return [key for key, caller in left_by.items() if caller is None or caller.outcome is Outcome.DONE]
