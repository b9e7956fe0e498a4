"""Calls the API as a signed-in user does; what `demo` speaks through."""

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
    """One user's calls to a running system."""

    def __init__(self, stack: Stack) -> None:
        """Sign in as the sample user."""
        self._stack = stack
        self._cookie = f"{stack.cookie_name}={make_token(stack)}"

    def submit_job(self, wish: Mapping[str, object]) -> str:
        """Ask for a video; returns the job's id."""
        return str(self._call("POST", "/api/videos/generate", wish)["jobId"])

    def read_job(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it."""
        return self._call("GET", f"/api/videos/{job_id}")

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._stack.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Cookie": self._cookie, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except urllib.error.HTTPError as refusal:
            words = refusal.read().decode(errors="replace")
            raise LocalCloudError(f"{method} {path} was answered {refusal.code}: {words}") from None


def download(url: str, path: Path) -> None:
    """Save what a presigned URL gives, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer, draft.open("wb") as file:
        while chunk := answer.read(1 << 20):
            file.write(chunk)
    draft.replace(path)
