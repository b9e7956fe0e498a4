"""Draws the video of a job, and picks its poster."""

from pathlib import Path

from videojobs.adapters.media.inspect import inspect_video
from videojobs.adapters.media.sketch import draw_sketch
from videojobs.adapters.media.stills import write_poster
from videojobs.domain.job import AspectRatio, Style, VideoJob
from videojobs.ports import RenderedVideo, ReportProgress


class SketchRenderer:
    """See `ports.VideoRenderer`; nothing is fetched, so nothing can be lost."""

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Draw `video.mp4` and `poster.jpg` into the folder."""
        video, poster = folder / "video.mp4", folder / "poster.jpg"
        draw_sketch(
            prompt=job.prompt,
            style=Style(job.style),
            seconds=job.duration or 1,
            aspect_ratio=AspectRatio(job.aspect_ratio),
            path=video,
            on_progress=on_progress,
        )
        write_poster(video, poster)
        facts = inspect_video(video)
        return RenderedVideo(video, poster, facts.width, facts.height, facts.seconds)
