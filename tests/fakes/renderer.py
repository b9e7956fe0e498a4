"""A renderer that writes a few bytes where a real one writes a video."""

from collections.abc import Callable
from pathlib import Path

from videojobs.domain.job import VideoJob
from videojobs.ports.videos import RenderedVideo, ReportProgress

VIDEO = b"not really a video, but of a length that can be checked"
POSTER = b"nor a poster"
PREVIEW = b"nor a preview"


class ScriptedRenderer:
    """See `ports.VideoRenderer`. `at_report` runs before each report of progress (0, 0.25 … 1): time may pass there.

    `error` is raised in the middle of the work, after the files were written. `folders` are those it worked in.
    """

    def __init__(self, *, error: Exception | None = None, at_report: Callable[[float], None] | None = None) -> None:
        self.error = error
        self.at_report = at_report
        self.folders: list[Path] = []

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Write both files, reporting five times."""
        self.folders.append(folder)
        video, poster, preview = folder / "video.mp4", folder / "poster.jpg", folder / "preview.webp"
        video.write_bytes(VIDEO)
        poster.write_bytes(POSTER)
        preview.write_bytes(PREVIEW)
        for done in (0.0, 0.25, 0.5, 0.75, 1.0):
            if self.at_report:
                self.at_report(done)
            on_progress(done)
            if self.error and done == 0.5:
                raise self.error
        return RenderedVideo(video, poster, preview, 1280, 720, float(job.duration or 0))
