"""Those who make videos and the place where they are kept, said as Protocols."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from videojobs.domain.circuit import Circuit
from videojobs.domain.job import JobId, VideoJob
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.prompt import PromptLimit
from videojobs.domain.storage import StoredObject

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

    def get(self, stored: StoredObject, path: Path) -> None:
        """Download an object to a file.

        Raises:
            ProviderError: `result_lost`, where there is none.
        """
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
    `clips`: what it makes in one generation; None: whatever is asked for, exactly, and `render` draws it.
    `prompt_limit`: the longest prompt that it takes, in its own counting; None: none is published.
    `poll_seconds`: how often it may be asked. `calls_back`: it can be told a URL to call when a task has ended.
    `result_lifetime`: how long it keeps a result; None: nothing is published.
    `prices_as_of`: when the clips' prices were read; None: none is published.
    """

    yields_pixels: bool
    can_cancel: bool
    unknown_submit: UnknownSubmit
    clips: tuple[Clip, ...] | None = None
    prompt_limit: PromptLimit | None = None
    poll_seconds: float = 5
    calls_back: bool = False
    result_lifetime: timedelta | None = None
    prices_as_of: date | None = None


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a provider is asked for in one call: a clip of its own offer, to be made of a prompt that fits its limit.

    A provider whose `clips` are None is given none; it makes what the job says. `callback_url`: what it is to call when
    the task has ended, where it `calls_back`.
    """

    job_id: JobId
    prompt: str
    clip: Clip | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A task that the provider took. Ask again after `poll_after_seconds`; None: nothing to wait for, render now."""

    ref: str
    poll_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class Generation:
    """How a task stands: `done` with a `video_url` where the provider has one, or to be asked for again later.

    `cost_usd`: what the task cost, from a provider that tells; only of one that is done.
    """

    done: bool
    progress: float | None = None
    video_url: str | None = None
    poll_after_seconds: float = 5
    cost_usd: Decimal | None = None


class VideoProvider(Protocol):
    """An AI provider (or one that stands in for it). Refusals and failures are raised as `ProviderError`.

    A call without a telling answer raises `ProviderUnreachable`.
    """

    name: str
    capabilities: Capabilities

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Begin the generation. `token` (`jobId:attempt:part`) makes a repeat harmless where the provider takes one."""
        ...

    def find(self, *, token: str) -> Submission | None:
        """The task that a submit with this token made, or None. Called only where `unknown_submit` is `FIND`."""
        ...

    def poll(self, ref: str) -> Generation:
        """Ask how the task stands; changes nothing, may be repeated at will."""
        ...

    def cancel(self, ref: str) -> bool:
        """Stop the task; whether it really was stopped. Harmless on an ended one."""
        ...

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """Write the finished task's video to `path`. Called only where `capabilities.clips` are given.

        Raises:
            ProviderError: `result_lost`, where it is gone at the provider.
        """
        ...


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers of this deployment: the first choice, then those that stand in for it, in order.

    `get` brings any that the code knows, so that a job goes on whose provider was taken out of the order; None: it is
    unknown. Nothing of a provider is imported before it is asked for.
    """

    order: tuple[str, ...]
    get: Callable[[str], VideoProvider | None]


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
    """Makes the pixels of a job: draws them, or brings a provider's clips into shape.

    Both write the finished MP4, its poster (JPEG) and its preview (WebP) into `folder` (which the caller removes).
    """

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Draw what the job asks for."""
        ...

    def verify(self, clip: Path) -> None:
        """Make sure that a file is a video that can be played.

        Raises:
            ProviderError: it is not.
        """
        ...

    def assemble(self, clips: Sequence[Path], plan: Plan, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Carry out the plan's cuts: join the clips with a cross-fade, crop, scale and trim to the frame.

        A single clip that fits already is copied and not coded again. Clips that are shorter than the plan says are
        stretched by holding their last picture.

        Raises:
            ProviderError: a clip is no video that can be played.
        """
        ...
