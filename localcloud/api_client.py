"""Client of the API for `make demo`, signed in as the sample user."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError
from localcloud.stack import Stack
from localcloud.tokens import make_token

_TIMEOUT_SECONDS = 30


class ApiClient:
    """Client of the API of a running system, signed in as the sample user."""

    def __init__(self, stack: Stack) -> None:
        """Create a session token of the sample user, which is valid for an hour. No request is sent."""
        self._stack = stack
        self._cookie = f"{stack.cookie_name}={make_token(stack)}"

    def submit_job(self, wish: Mapping[str, object]) -> str:
        """Create a video job from a request body, and return its ID.

        Raises:
            LocalCloudError: If the response has an error status.
            OSError: If the API does not respond within 30 s.
        """
        return str(self._call("POST", "/api/videos/generate", wish)["jobId"])

    def read_job(self, job_id: str) -> dict[str, Any]:
        """Return the job as the API represents it.

        Raises:
            LocalCloudError: If the response has an error status, for example 404 for an unknown job.
            OSError: If the API does not respond within 30 s.
        """
        return self._call("GET", f"/api/videos/{job_id}")

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Send a request, and return the `data` of the response.

        Raises:
            LocalCloudError: If the response has an error status.
            OSError: If the API does not respond within 30 s.
        """
        request = urllib.request.Request(
            self._stack.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Cookie": self._cookie, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                data: dict[str, Any] = json.load(response)["data"]
                return data
        except urllib.error.HTTPError as error:
            content = error.read().decode(errors="replace")
            raise LocalCloudError(f"{method} {path} returned {error.code}: {content}\nSee:  make logs") from None


def download(url: str, path: Path) -> None:
    """Download a presigned URL to `path`; if the download fails, `path` is not written.

    Raises:
        OSError: If the server returns an error or does not respond for 30 s, or the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response, draft.open("wb") as file:
        while chunk := response.read(1 << 20):
            file.write(chunk)
    draft.replace(path)
