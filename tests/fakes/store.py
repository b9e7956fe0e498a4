"""An in-memory store of videos."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from threading import Lock

from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.storage import StoredObject, find_key
from videojobs.ports.videos import ReportProgress

SIGNING_WINDOW_SECONDS = 300


class InMemoryVideoStore:
    """See `ports.VideoStore`. Safe for threads. With `available = False` all calls but signing raise `Unavailable`.

    `objects` contains the content by key; tests may remove or truncate objects.
    """

    def __init__(self, bucket: str = "videos-of-tests") -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.available = True
        self._lock = Lock()

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Store the content of the file, reporting the progress once in the middle and once at the end."""
        self._check_available()
        content = path.read_bytes()
        if on_progress:
            on_progress(0.5)
            on_progress(1.0)
        with self._lock:
            self.objects[key] = content
            self.content_types[key] = content_type
        return StoredObject(self.bucket, key, len(content))

    def size(self, stored: StoredObject) -> int | None:
        """Return the stored length in bytes, or None if the object does not exist."""
        self._check_available()
        with self._lock:
            content = self.objects.get(stored.key) if stored.bucket == self.bucket else None
            return None if content is None else len(content)

    def get(self, stored: StoredObject, path: Path) -> None:
        """Write the stored content to the path; a missing object raises `RESULT_LOST`."""
        self._check_available()
        with self._lock:
            content = self.objects.get(stored.key) if stored.bucket == self.bucket else None
        if content is None:
            raise ProviderError(FailureCode.RESULT_LOST, "A part of the video was lost.", transient=True)
        path.write_bytes(content)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove the objects that exist."""
        self._check_available()
        with self._lock:
            for key in keys:
                self.objects.pop(key, None)
                self.content_types.pop(key, None)

    def presigned_url(
        self, url: str, now: datetime, file_name: str | None = None, *, method: str = "GET"
    ) -> str | None:
        """Return a URL that names the object and the file name of the download; needs no available store."""
        if find_key(url, self.bucket) is None:
            return None
        saved_as = f"&as={file_name}" if file_name else ""
        signed = self.signing_window(now) if method == "GET" else f"{self.signing_window(now)}-for-{method}"
        return f"https://presigned.test/{url.removeprefix('s3://')}?signed={signed}{saved_as}"

    def signing_window(self, now: datetime) -> str:
        """Return the number of the five-minute window that contains the time."""
        return str(int(now.timestamp()) // SIGNING_WINDOW_SECONDS)

    def _check_available(self) -> None:
        if not self.available:
            raise Unavailable
