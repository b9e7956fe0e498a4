"""Partly downloaded file that can be resumed with range requests (RFC 9110, 13.1.5 and 14)."""

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.ports.videos import ReportProgress

_NOT_VIDEOS = ("text/html", "application/json", "application/xml", "text/xml")
_SIZE = re.compile(r"[0-9]{1,15}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15}|\*)")


class Unusable(Exception):
    """The response is not the file or not all of it. The caller should try again."""


class PartFile:
    """Context manager for a file that is downloaded in one or more responses."""

    def __init__(self, path: Path, *, maximum_bytes: int, on_progress: ReportProgress) -> None:
        """Create or truncate the file.

        Args:
            path: The file.
            maximum_bytes: The maximum size.
            on_progress: Called by `report` with the largest part that was downloaded so far (0 to 1).
        """
        self._maximum_bytes, self._on_progress = maximum_bytes, on_progress
        self._file = path.open("wb")
        self._size = 0
        self._total: int | None = None
        self._validator = ""
        self._shown = 0.0

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()

    def restart(self) -> None:
        """Truncate the file, so that the next request is for the whole file."""
        self._file.seek(0)
        self._file.truncate()
        self._size, self._total, self._validator = 0, None, ""

    def request_headers(self) -> dict[str, str]:
        """Return the headers that request the rest of the file, or the whole if there is no ETag or date to compare."""
        headers = {"Accept-Encoding": "identity"}
        if self._size and self._validator:
            headers |= {"Range": f"bytes={self._size}-", "If-Range": self._validator}
        return headers

    def begin(self, response: httpx.Response) -> None:
        """Prepare the file for the body of this response: continue after status 206, start again after 200.

        Raises:
            Unusable: If the response has another status, is not a video, or does not continue the file. The file is
                truncated if its range does not fit.
            ProviderError: If the file is too large.
        """
        if response.status_code == 206:
            self._check_rest(response)
        elif response.status_code == 200:
            self._check_whole(response)
        else:
            if response.status_code == 416:
                self.restart()
            raise Unusable(f"status {response.status_code}")
        if (self._total or 0) > self._maximum_bytes:
            raise _too_large()

    def write(self, piece: bytes) -> None:
        """Append a piece of the body.

        Raises:
            ProviderError: If the file becomes too large.
        """
        self._size += len(piece)
        if self._size > self._maximum_bytes:
            raise _too_large()
        self._file.write(piece)

    def finish(self) -> None:
        """Flush the file after the body ended and report that the download is complete.

        Raises:
            Unusable: If the file is empty or does not have the announced size; it is truncated.
        """
        if not self._size or (self._total is not None and self._size != self._total):
            self.restart()
            raise Unusable("the file does not have the announced size")
        self._file.flush()
        self._shown = 1.0
        self._on_progress(1.0)

    def report(self) -> None:
        """Report the downloaded part of the total size, or of the maximum size if the total is unknown."""
        self._shown = max(self._shown, min(self._size / (self._total or self._maximum_bytes), 1.0))
        self._on_progress(self._shown)

    def _check_whole(self, response: httpx.Response) -> None:
        """Start the file again and read the size and validator of a response with the whole file."""
        self.restart()
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _NOT_VIDEOS:
            raise Unusable(f"the response has the type {kind}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Unusable("the response is compressed")
        self._validator = _validator(response)
        length = response.headers.get("content-length", "")
        self._total = int(length) if _SIZE.fullmatch(length) else None

    def _check_rest(self, response: httpx.Response) -> None:
        """Check that a partial response continues the file; if it does not, truncate the file and raise `Unusable`."""
        content_range = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        total = int(content_range[2]) if content_range and content_range[2] != "*" else self._total
        fits = content_range is not None and int(content_range[1]) == self._size and self._total in {None, total}
        # Some hosts ignore If-Range and send the rest of another file.
        if not fits or self._validator not in {"", _validator(response) or self._validator}:
            self.restart()
            raise Unusable("the range does not continue the file")
        self._total = total


def _validator(response: httpx.Response) -> str:
    """Return the value for If-Range: a strong ETag, else the modification date, else an empty string."""
    etag: str = response.headers.get("etag", "")
    date: str = response.headers.get("last-modified", "")
    validator = etag if etag.startswith('"') else date
    return validator if validator.isascii() else ""  # only ASCII can be sent in a header


def _too_large() -> ProviderError:
    message = "The provider's video is too large. Change the request and try again."
    return ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
