"""Renderer that uses PyAV: draws a job's video or joins a provider's clips, and writes the poster and the preview."""

from collections.abc import Sequence
from pathlib import Path

from videojobs.domain.job import VideoJob
from videojobs.domain.plan import FRAMES_PER_SECOND, SIZES, Plan
from videojobs.domain.request import AspectRatio, Style
from videojobs.ports.videos import RenderedVideo, ReportProgress
from videojobs_media.assemble import assemble_video
from videojobs_media.clip_info import read_clip_info
from videojobs_media.inspect import inspect_video
from videojobs_media.stills import write_pictures
from videojobs_sketch import VideoFormat, draw_sketch, missing_scripts


class PyAvRenderer:
    """Implementation of `VideoRenderer` with PyAV. It reads and writes only local files."""

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Draw the job's prompt as a sketch, and write `video.mp4`, `poster.jpg` and `preview.webp` to the folder.

        Return their paths, the size in pixels and the length in seconds. `on_progress` is called with the completed
        part (0 to 1); an exception that it raises stops the work, removes the video and is raised to the caller.

        Raises:
            ValueError: If the style or the aspect ratio of the job is unknown.
            OSError: If a file can't be written.
        """
        video = folder / "video.mp4"
        moment = draw_sketch(
            prompt=job.prompt,
            style=job.style,
            seconds=job.duration or 1,
            video_format=VideoFormat(*SIZES[job.resolution][AspectRatio(job.aspect_ratio)], FRAMES_PER_SECOND),
            path=video,
            on_progress=on_progress,
            seed=job.seed,
        )
        return _finish(video, moment, missing_scripts(job.prompt) if job.style != Style.BACKGROUND else [])

    def verify(self, clip: Path) -> None:
        """Read the packets of the whole file and decode the first frame.

        Raises:
            ProviderError: If the file is not a playable video or is truncated. Transient: another attempt may succeed.
        """
        read_clip_info(clip)

    def assemble(self, clips: Sequence[Path], plan: Plan, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Join the clips as the plan says, and write the same three files as `render`: video, poster and preview.

        Return their paths, the size in pixels and the length in seconds. An exception that `on_progress` raises stops
        the work and is raised to the caller.

        Raises:
            ProviderError: If a clip is not a playable video. Transient: another attempt may succeed.
            OSError: If a file can't be written.
        """
        video = folder / "video.mp4"
        assemble_video(clips, plan, video, on_progress)
        return _finish(video)


def _finish(video: Path, moment: float | None = None, missing: Sequence[str] = ()) -> RenderedVideo:
    poster, preview = video.with_name("poster.jpg"), video.with_name("preview.webp")
    write_pictures(video, poster=poster, preview=preview, moment=moment)
    facts = inspect_video(video)
    return RenderedVideo(video, poster, preview, facts.width, facts.height, facts.seconds, tuple(missing))
