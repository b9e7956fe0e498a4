"""What has come of a file so far, and whether an answer goes on from there (RFC 9110, 13.1.5 and 14)."""

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.ports.videos import ReportProgress

_NOT_VIDEOS = ("text/html", "application/json", "application/xml", "text/xml")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Unusable(Exception):
    """The answer is not the file, or not all of it: ask again."""


class PartFile:
    """A context manager that holds the file open. `on_progress` is told of the largest part that was ever there."""

    def __init__(self, path: Path, *, maximum_bytes: int, on_progress: ReportProgress) -> None:
        """An empty file."""
        self._maximum_bytes, self._on_progress = maximum_bytes, on_progress
        self._file = path.open("wb")
        self._size = 0
        self._total: int | None = None
        self._validator = ""
        self._shown = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def begin_anew(self) -> None:
        """Forget what came."""
        self._file.seek(0)
        self._file.truncate()
        self._size, self._total, self._validator = 0, None, ""

    def wanted(self) -> dict[str, str]:
        """The headers that ask for the rest, or for the whole where nobody could tell whether it is still the same."""
        every = {"Accept-Encoding": "identity"}
        if self._size and self._validator:
            every |= {"Range": f"bytes={self._size}-", "If-Range": self._validator}
        return every

    def begin(self, response: httpx.Response) -> None:
        """Go on where this answer begins.

        Raises:
            Unusable: it brings no part of a file that fits to what is here; the next is to bring the whole.
            ProviderError: it is too large.
        """
        if response.status_code == 206:
            self._check_rest(response)
        elif response.status_code == 200:
            self._check_whole(response)
        else:
            if response.status_code == 416:
                self.begin_anew()
            raise Unusable(f"status {response.status_code}")
        if (self._total or 0) > self._maximum_bytes:
            raise _too_large()

    def write(self, piece: bytes) -> None:
        """Append.

        Raises:
            ProviderError: it has become too large.
        """
        self._size += len(piece)
        if self._size > self._maximum_bytes:
            raise _too_large()
        self._file.write(piece)

    def finish(self) -> None:
        """All that this answer had is there.

        Raises:
            Unusable: that is not the whole file.
        """
        if not self._size or (self._total is not None and self._size != self._total):
            self.begin_anew()
            raise Unusable("not the length that was told")
        self._file.flush()
        self._shown = 1.0
        self._on_progress(1.0)

    def report(self) -> None:
        """Say how much there is: of the whole where its size is known, else of what it may be at the most."""
        self._shown = max(self._shown, min(self._size / (self._total or self._maximum_bytes), 1.0))
        self._on_progress(self._shown)

    def _check_whole(self, response: httpx.Response) -> None:
        self.begin_anew()
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _NOT_VIDEOS:
            raise Unusable(f"a page of {kind}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Unusable("packed, although nobody asked for it")
        self._validator = _validator(response)
        length = response.headers.get("content-length", "")
        self._total = int(length) if length.isdecimal() else None

    def _check_rest(self, response: httpx.Response) -> None:
        content_range = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        total = int(content_range[2]) if content_range and content_range[2] != "*" else self._total
        fits = content_range is not None and int(content_range[1]) == self._size and self._total in {None, total}
        # Some hosts ignore If-Range, and send the rest of something else.
        if not fits or self._validator not in {"", _validator(response) or self._validator}:
            self.begin_anew()
            raise Unusable("the rest of another file")
        self._total = total


def _validator(response: httpx.Response) -> str:
    """What If-Range can be asked with: a strong ETag, or the date."""
    etag: str = response.headers.get("etag", "")
    date: str = response.headers.get("last-modified", "")
    return etag if etag.startswith('"') else date


def _too_large() -> ProviderError:
    message = "The video that came from the provider is too large."
    return ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
