"""The bucket in memory."""

from pathlib import Path
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import StoredObject
from videojobs.ports import ReportProgress


class InMemoryVideoStore:
    """See `ports.VideoStore`. Safe for threads. `available = False` makes uploads and looks raise `Unavailable`.

    `objects` holds the content by key; a test may take from it, or cut it short.
    """

    def __init__(self, bucket: str = "videos-of-tests") -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.available = True
        self._lock = Lock()

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Keep the file's content, reporting once in the middle and once at the end."""
        self._ask()
        content = path.read_bytes()
        if on_progress:
            on_progress(0.5)
            on_progress(1.0)
        with self._lock:
            self.objects[key] = content
            self.content_types[key] = content_type
        return StoredObject(self.bucket, key, len(content))

    def size(self, stored: StoredObject) -> int | None:
        """The length of what is kept."""
        self._ask()
        with self._lock:
            content = self.objects.get(stored.key) if stored.bucket == self.bucket else None
            return None if content is None else len(content)

    def presigned_url(self, url: str) -> str:
        """An address that says which object it would serve; needs no answer from the store."""
        return f"https://presigned.test/{url.removeprefix('s3://')}?signature=1"

    def _ask(self) -> None:
        if not self.available:
            raise Unavailable
