"""An AI provider as an adapter would be: over HTTP, with time-outs; and a renderer that fetches its results."""

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
    """See `ports.VideoProvider`; its capabilities are the test's choice."""

    name = "scripted"

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._url: str = config["url"]
        self.capabilities = Capabilities(
            yields_pixels=config["yields_pixels"],
            can_cancel=True,
            unknown_submit=UnknownSubmit(config["unknown_submit"]),
        )

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """POST a task."""
        return _submission(_call("POST", f"{self._url}/tasks", {"token": token, "job": request.job_id}))

    def find(self, *, token: str) -> Submission | None:
        """Look for the task by its token."""
        found = _call("GET", f"{self._url}/tasks?token={token}")
        return _submission(found) if found["ref"] else None

    def poll(self, ref: str) -> Generation:
        """Ask how the task stands."""
        told = _call("GET", f"{self._url}/tasks/{ref}")
        if told["state"] == "failed":
            raise ProviderError(FailureCode.PROVIDER_ERROR, "The provider gave up on this video.", transient=True)
        return Generation(
            done=told["state"] == "done",
            progress=told["progress"],
            video_url=told.get("url"),
            poll_after_seconds=told["poll_after"],
        )

    def cancel(self, ref: str) -> bool:
        """Stop it."""
        return bool(_call("DELETE", f"{self._url}/tasks/{ref}")["stopped"])


class HttpRenderer:
    """See `ports.VideoRenderer`: what the provider made is the video as it is."""

    def __init__(self, url: str) -> None:
        self._url = url

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Fetch the result, reporting twice."""
        assert job.provider is not None
        on_progress(0.1)
        try:
            with urllib.request.urlopen(f"{self._url}/results/{job.provider.ref}", timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise ProviderError(FailureCode.RESULT_LOST, "The video has expired.", transient=True) from error
        except (OSError, HTTPException) as error:  # it is there, and can be fetched again
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
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            told: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 429:
            seconds = float(error.headers["Retry-After"])
            if method != "POST":
                raise ProviderUnreachable(retry_after_seconds=seconds) from error
            words = "The provider is busy."
            raise ProviderError(FailureCode.RATE_LIMITED, words, transient=True, retry_after_seconds=seconds) from error
        raise ProviderUnreachable from error
    except (TimeoutError, OSError, HTTPException, ValueError) as error:
        raise ProviderUnreachable from error
    if "error" in told:
        raise ProviderError(FailureCode.PROVIDER_ERROR, "The provider has refused.", transient=told["transient"])
    return told


def _submission(told: Mapping[str, Any]) -> Submission:
    return Submission(told["ref"], told["poll_after"])
