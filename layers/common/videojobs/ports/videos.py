"""Those who make videos and the place where they are kept, said as Protocols."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from videojobs.domain.circuit import Circuit
from videojobs.domain.job import StoredObject, VideoJob

type ReportProgress = Callable[[float], None]
"""Called with the part that is done (0–1); may raise to stop the work."""


class CircuitRepository(Protocol):
    """The circuit breakers, shared by all workers."""

    def find(self, provider: str) -> Circuit:
        """As it stands; a provider without trouble has a fresh one."""
        ...

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Write it, if the stored one still is `before`; of any number of racing writers one wins."""
        ...


class VideoStore(Protocol):
    """The bucket with the videos. Each method raises `Unavailable` when S3 does not answer."""

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Upload a file; a second upload to the same key replaces it whole."""
        ...

    def size(self, stored: StoredObject) -> int | None:
        """The object's size in bytes as it lies there, or None where there is none."""
        ...

    def presigned_url(self, url: str, now: datetime, file_name: str | None = None) -> str:
        """A URL that serves `s3://bucket/key` to anybody for the configured time; made locally, no call to S3.

        The same until `signing_window` changes, and good for at least two thirds of the time. With a file name the
        browser saves it under that name.
        """
        ...

    def signing_window(self, now: datetime) -> str:
        """Names the span of time in which a presigned URL stays the same."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects; harmless where there is none."""
        ...


class UnknownSubmit(StrEnum):
    """The policy for an intent without a ref: the call may have started a task that costs money, or not.

    `REPEAT`: submit again in the same attempt, as one token makes one task. `FIND`: look the task up by its token, and
    submit only if there is none. `RESUBMIT`: submit again as a new attempt, an orphan may remain. `FAIL`: give up.
    """

    REPEAT = "repeat"
    FIND = "find"
    RESUBMIT = "resubmit"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data.

    `yields_pixels`: there is something to render; otherwise the result's URL is the job's `videoUrl` as it is.
    `can_cancel`: a cancel at the provider stops the work there.
    `unknown_submit`: what to do when nobody knows whether a submit arrived.
    """

    yields_pixels: bool
    can_cancel: bool
    unknown_submit: UnknownSubmit


@dataclass(frozen=True, slots=True)
class Submission:
    """A task that the provider took. Ask again after `poll_after_seconds`; None: nothing to wait for, render now."""

    ref: str
    poll_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class Generation:
    """How a task stands: `done` with a `video_url` where the provider has one, or to be asked for again later."""

    done: bool
    progress: float | None = None
    video_url: str | None = None
    poll_after_seconds: float = 5


class VideoProvider(Protocol):
    """An AI provider (or one that stands in for it). Refusals and failures are raised as `ProviderError`.

    A call without a telling answer raises `ProviderUnreachable`.
    """

    name: str
    capabilities: Capabilities

    def submit(self, job: VideoJob, *, token: str) -> Submission:
        """Begin the generation. `token` (`jobId:attempt`) makes a repeat harmless where the provider takes one."""
        ...

    def find(self, job: VideoJob, *, token: str) -> Submission | None:
        """The task that a submit with this token made, or None. Called only where `unknown_submit` is `FIND`."""
        ...

    def poll(self, job: VideoJob, ref: str) -> Generation:
        """Ask how the task stands; changes nothing, may be repeated at will."""
        ...

    def cancel(self, job: VideoJob, ref: str) -> bool:
        """Stop the task; whether it really was stopped. Harmless on an ended one."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedVideo:
    """Files in a scratch folder, and what the video really is."""

    video: Path
    poster: Path
    preview: Path
    width: int
    height: int
    seconds: float


class VideoRenderer(Protocol):
    """Makes the pixels of a job: draws them, or fetches the provider's and brings them into shape."""

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Write the finished MP4, its poster (JPEG) and its preview (WebP) into `folder` (which the caller removes).

        Raises:
            ProviderError: the provider's result is lost or is no video.
        """
        ...
