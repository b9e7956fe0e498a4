"""Draws the video of a job, and picks its poster and its preview."""

from pathlib import Path

from videojobs.adapters.media.inspect import inspect_video
from videojobs.adapters.media.sketch import draw_sketch
from videojobs.adapters.media.stills import write_pictures
from videojobs.domain.job import VideoJob
from videojobs.domain.request import AspectRatio, Style
from videojobs.ports.videos import RenderedVideo, ReportProgress


class SketchRenderer:
    """See `ports.VideoRenderer`; nothing is fetched, so nothing can be lost."""

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Draw `video.mp4`, `poster.jpg` and `preview.webp` into the folder."""
        video, poster, preview = folder / "video.mp4", folder / "poster.jpg", folder / "preview.webp"
        draw_sketch(
            prompt=job.prompt,
            style=Style(job.style),
            seconds=job.duration or 1,
            aspect_ratio=AspectRatio(job.aspect_ratio),
            path=video,
            on_progress=on_progress,
        )
        write_pictures(video, poster=poster, preview=preview)
        facts = inspect_video(video)
        return RenderedVideo(video, poster, preview, facts.width, facts.height, facts.seconds)
