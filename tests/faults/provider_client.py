"""Adapter of the scripted AI provider over HTTP with timeouts, and a renderer that downloads its results."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import VideoJob
from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    RenderedVideo,
    ReportProgress,
    Submission,
    UnknownSubmit,
)

TIMEOUT_SECONDS = 1.0


class HttpProvider:
    """See `ports.VideoProvider`. The test chooses the capabilities."""

    name = "scripted"

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._url: str = config["url"]
        self.capabilities = Capabilities(
            yields_pixels=config["yields_pixels"],
            can_cancel=True,
            unknown_submit=UnknownSubmit(config["unknown_submit"]),
        )

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Create a task."""
        return _submission(_call("POST", f"{self._url}/tasks", {"token": token, "job": request.job_id}))

    def find(self, *, token: str) -> Submission | None:
        """Return the task with this token, or None."""
        response = _call("GET", f"{self._url}/tasks?token={token}")
        return _submission(response) if response["ref"] else None

    def poll(self, ref: str) -> Generation:
        """Return the state of the task.

        Raises:
            ProviderError: If the task has failed.
        """
        response = _call("GET", f"{self._url}/tasks/{ref}")
        if response["state"] == "failed":
            raise ProviderError(FailureCode.PROVIDER_ERROR, "The provider gave up on this video.", transient=True)
        return Generation(
            done=response["state"] == "done",
            progress=response["progress"],
            video_url=response.get("url"),
            poll_after_seconds=response["poll_after"],
        )

    def cancel(self, ref: str) -> bool:
        """Stop the task. Return True."""
        return bool(_call("DELETE", f"{self._url}/tasks/{ref}")["stopped"])

    def discard(self, ref: str) -> bool:
        """Return True: the result is not in the deployment's bucket."""
        return True


class HttpRenderer:
    """See `ports.VideoRenderer`. The provider's result is used as the video without changes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Download the result, and report progress twice.

        Raises:
            ProviderError: If the result has expired.
            Unavailable: If the download fails.
        """
        assert job.provider is not None
        on_progress(0.1)
        try:
            with urllib.request.urlopen(f"{self._url}/results/{job.provider.ref}", timeout=TIMEOUT_SECONDS) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise ProviderError(FailureCode.RESULT_LOST, "The video has expired.", transient=True) from error
        except (OSError, HTTPException) as error:  # the result exists and can be downloaded again
            raise Unavailable from error
        video, poster, preview = folder / "video.mp4", folder / "poster.jpg", folder / "preview.webp"
        video.write_bytes(content)
        poster.write_bytes(content[:20])
        preview.write_bytes(content[:10])
        on_progress(0.9)
        return RenderedVideo(video, poster, preview, 1280, 720, 8.0)


def _call(method: str, url: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            content: dict[str, Any] = json.loads(response.read())
    except urllib.error.HTTPError as error:
        if error.code == 429:
            seconds = float(error.headers["Retry-After"])
            if method != "POST":
                raise ProviderUnreachable(retry_after_seconds=seconds) from error
            message = "The provider is busy."
            raise ProviderError(
                FailureCode.RATE_LIMITED, message, transient=True, retry_after_seconds=seconds
            ) from error
        raise ProviderUnreachable from error
    except (TimeoutError, OSError, HTTPException, ValueError) as error:
        raise ProviderUnreachable from error
    if "error" in content:
        raise ProviderError(FailureCode.PROVIDER_ERROR, "The provider has refused.", transient=content["transient"])
    return content


def _submission(task: Mapping[str, Any]) -> Submission:
    return Submission(task["ref"], task["poll_after"])
