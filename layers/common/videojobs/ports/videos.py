"""Protocols for video providers, their circuit breakers, the renderer and video storage."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from videojobs.domain.circuit import Circuit
from videojobs.domain.job import JobId, VideoJob
from videojobs.domain.plan import Clip, Plan, select_clips
from videojobs.domain.prompt import PromptLimit
from videojobs.domain.request import NewJob, Resolution
from videojobs.domain.storage import StoredObject

type ReportProgress = Callable[[float], None]
"""Function that receives the progress of the work (0–1). It may raise an exception to stop the work."""


class CircuitRepository(Protocol):
    """Repository of circuit breakers, shared by all workers."""

    def find(self, provider: str) -> Circuit:
        """Return the provider's circuit, or a new closed circuit if none is stored.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        ...

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Store `after` if the stored version is still that of `before`. Return whether it was stored.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...


class VideoStore(Protocol):
    """Store of videos in a bucket."""

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Upload a file and return its object. A second upload to the same key replaces the whole object.

        An exception of `on_progress` stops the upload and is raised.

        Raises:
            Unavailable: If S3 does not respond or reports an error; the object may have been stored.
        """
        ...

    def size(self, stored: StoredObject) -> int | None:
        """Return the size in bytes of the stored object, or None if it does not exist.

        Raises:
            Unavailable: If S3 does not respond or reports an error.
        """
        ...

    def presigned_url(
        self, url: str, now: datetime, file_name: str | None = None, *, method: str = "GET"
    ) -> str | None:
        """Return a presigned URL of a job's object `s3://bucket/key`, which anyone can download with it, or None.

        None: the URL is not that of a job's object in this bucket. The result is the same until `signing_window`
        changes, and is valid for at least two thirds of the configured time, for `method` (GET or HEAD) only. With a
        file name, a browser saves the object under it. Raise `Unavailable` if the function has no credentials.
        """
        ...

    def signing_window(self, now: datetime) -> str:
        """Return an ID of the period in which the presigned URL of an object stays the same."""
        ...

    def get(self, stored: StoredObject, path: Path) -> None:
        """Download an object to a file.

        Raises:
            ProviderError: `result_lost`, if the object does not exist.
            Unavailable: If S3 does not respond or reports an error.
        """
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects. Idempotent: keys without an object are ignored.

        Raises:
            Unavailable: If S3 does not respond or reports an error; some objects may be deleted.
        """
        ...


class UnknownSubmit(StrEnum):
    """Policy for an intent without a ref, after a submit that may or may not have started a task that costs money.

    `REPEAT`: submit again in the same attempt, because the provider creates one task per token. `FIND`: look up the
    task by its token and submit only if there is none. `RESUBMIT`: submit again as a new attempt; an orphaned task may
    remain at the provider. `FAIL`: fail the job.
    """

    REPEAT = "repeat"
    FIND = "find"
    RESUBMIT = "resubmit"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a provider.

    `yields_pixels`: whether its result is rendered or fetched; otherwise the result's URL becomes the job's `videoUrl`.
    `can_cancel`: whether a task can be stopped at the provider.
    `unknown_submit`: the policy after a submit without a response.
    `clips`: the clips that it offers. None: it accepts every request, and the renderer draws the video if
    `yields_pixels`.
    `prompt_limit`: the longest prompt that it accepts, or None if no limit is published.
    `poll_seconds`: the polling interval. `calls_back`: whether it can call a URL when a task has ended.
    `result_lifetime`: how long it keeps a result, or None if that is not published.
    `prices_as_of`: when the prices of the clips were looked up, or None if no prices are published.
    `takes_seed`, `takes_negative_prompt`: whether it has a parameter for them.
    `makes_sound`: whether a provider without `clips` makes sound. Otherwise its clips say it.
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
    takes_seed: bool = False
    takes_negative_prompt: bool = False
    makes_sound: bool = False

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """Return the resolutions of the videos that it can make, which always include the default."""
        made = {clip.resolution for clip in self.clips or ()} | {Resolution.P720}
        return tuple(resolution for resolution in Resolution if self.clips is None or resolution in made)

    def lacks(self, request: NewJob | VideoJob) -> tuple[str, ...]:
        """Return the optional fields of a request that the provider can't honour, by their names in the API."""
        clips = self.clips and select_clips(self.clips, request.resolution, has_sound=request.sound)
        makes_sound = self.makes_sound if clips is None else any(clip.has_sound for clip in clips)
        lacking = {
            "seed": request.seed is not None and not self.takes_seed,
            "negativePrompt": request.negative_prompt is not None and not self.takes_negative_prompt,
            "sound": request.sound and not makes_sound,
            "resolution": request.resolution not in self.resolutions,
        }
        return tuple(name for name, is_lacking in lacking.items() if is_lacking)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Request for one generation: a clip from the provider's offer and a prompt within its limit.

    `clip`: None for a provider without `clips`, which makes the video from the job itself. `callback_url`: the URL that
    the provider should call when the task has ended, or None to use polling only. `seed`, `negative_prompt`: those of
    the job, which a provider without a parameter for them ignores.
    """

    job_id: JobId
    prompt: str
    clip: Clip | None = None
    callback_url: str | None = None
    seed: int | None = None
    negative_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """Task that the provider accepted. Poll after `poll_after_seconds`, or render at once if that is None."""

    ref: str
    poll_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class Generation:
    """State of a task: `done`, with a `video_url` if the provider has one, or to be polled again later.

    `progress`: from 0 to 1, or None if the provider does not report it. `cost_usd`: the cost of a finished task, or
    None if the provider does not report it.
    """

    done: bool
    progress: float | None = None
    video_url: str | None = None
    poll_after_seconds: float = 5
    cost_usd: Decimal | None = None


class VideoProvider(Protocol):
    """AI provider, or a simulated provider."""

    name: str
    capabilities: Capabilities

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Start a generation and return its task.

        `token` is the job's `generation_token`. A provider that supports idempotency keys creates one task per token.

        Raises:
            ProviderUnreachable: If the task may or may not have been created.
            ProviderError: If the provider refuses the request, or it was not sent.
            Unavailable: If the secret with the provider's key can't be read.
        """
        ...

    def find(self, *, token: str) -> Submission | None:
        """Return the task that a submit with this token created, or None. Called only if `unknown_submit` is `FIND`.

        Raises:
            ProviderUnreachable: If the provider gives no conclusive response.
            ProviderError: If it refuses the call.
            Unavailable: If the secret with the provider's key can't be read.
        """
        ...

    def poll(self, ref: str) -> Generation:
        """Return the state of a task. Changes nothing.

        Raises:
            ProviderUnreachable: If the provider gives no conclusive response; the task may still succeed.
            ProviderError: If the task failed or no longer exists.
            Unavailable: If the secret with the provider's key can't be read.
        """
        ...

    def cancel(self, ref: str) -> bool:
        """Stop a task. Return whether it was stopped. Idempotent, and harmless for a task that has ended.

        Raises:
            ProviderUnreachable: If the provider gives no conclusive response; the task may have been stopped.
            ProviderError: If the provider refuses the call.
            Unavailable: If the secret with the provider's key can't be read.
        """
        ...

    def discard(self, ref: str) -> bool:
        """Remove a task's result from the deployment's bucket; idempotent. Return False if it may still be written.

        A provider that keeps its results elsewhere returns True. Raise `ProviderError` if the provider fails.
        """
        ...

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Download the video of a finished task to `path`. Called only if `capabilities.clips` is not None.

        A larger video than `maximum_bytes` is refused. An exception of `on_progress` stops the download and is raised.

        Raises:
            ProviderError: If the task has no video or a larger one, or the provider no longer has it (`result_lost`).
            ProviderUnreachable: If the provider or the host of the video gives no conclusive response.
            Unavailable: If the secret with the provider's key can't be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Providers:
    """Providers of this deployment: `order` names the first choice and then the fallback providers.

    `get` returns any provider that the code supports, or None. A job can therefore continue after its provider was
    removed from `order`. A provider's modules are imported on the first call. `get` raises `ValueError`
    if the provider's settings are invalid.
    """

    order: tuple[str, ...]
    get: Callable[[str], VideoProvider | None]


@dataclass(frozen=True, slots=True)
class Offers:
    """Capabilities of the providers, for functions that call none: `order` names them as in `Providers`.

    `get` returns those of any provider that the code supports, or None, and raises `ValueError` as that of `Providers`.
    """

    order: tuple[str, ...]
    get: Callable[[str], Capabilities | None]


@dataclass(frozen=True, slots=True)
class RenderedVideo:
    """Files of a rendered video in a scratch folder, with its measured size in pixels and length in seconds.

    `missing_scripts`: the scripts of the prompt that no typeface contains, so that their text is not in the video.
    """

    video: Path
    poster: Path
    preview: Path
    width: int
    height: int
    seconds: float
    missing_scripts: tuple[str, ...] = ()


class VideoRenderer(Protocol):
    """Renders the video of a job, or assembles it from a provider's clips.

    Both write the finished MP4, its poster (JPEG) and its preview (WebP) to `folder`, which the caller removes. An
    exception of `on_progress` stops the work and is raised.
    """

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Render the video that the job requests.

        Raises:
            OSError: If a file can't be written.
        """
        ...

    def verify(self, clip: Path) -> None:
        """Check that a file is a playable video.

        Raises:
            ProviderError: If it is not a playable video.
        """
        ...

    def assemble(self, clips: Sequence[Path], plan: Plan, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Join the clips with cross-fades, and crop, scale and cut the result to the frame, as the plan says.

        A single clip that matches the plan is copied without re-encoding. If the joined clips are too short, the last
        frame is repeated.

        Raises:
            ProviderError: If a clip is not a playable video.
            OSError: If a file can't be written.
        """
        ...
