"""A renderer that writes a few bytes instead of a video."""

from collections.abc import Callable, Sequence
from pathlib import Path

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import VideoJob
from videojobs.domain.plan import FRAMES_PER_SECOND, Plan
from videojobs.ports.videos import RenderedVideo, ReportProgress

VIDEO = b"not really a video, but of a length that can be checked"
POSTER = b"nor a poster"
PREVIEW = b"nor a preview"


class ScriptedRenderer:
    """See `ports.VideoRenderer`. `at_report` runs before each progress report (0, 0.25 … 1).

    `error` is raised in the middle of the work, after the files were written. `folders` contains the folders it was
    given.
    """

    def __init__(self, *, error: Exception | None = None, at_report: Callable[[float], None] | None = None) -> None:
        self.error = error
        self.at_report = at_report
        self.folders: list[Path] = []

    def render(self, job: VideoJob, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Write the files, and report the progress five times."""
        return self._write(VIDEO, (1280, 720), float(job.duration or 0), folder, on_progress)

    def verify(self, clip: Path) -> None:
        """Accept every file that is not empty."""
        if not clip.read_bytes():
            raise ProviderError(FailureCode.PROVIDER_ERROR, "The file is not a video.", transient=True)

    def assemble(self, clips: Sequence[Path], plan: Plan, folder: Path, on_progress: ReportProgress) -> RenderedVideo:
        """Write the contents of the clips one after the other, and report the progress five times."""
        assert len(clips) == len(plan.clips)
        video = b"".join(clip.read_bytes() for clip in clips)
        return self._write(video, (plan.width, plan.height), plan.frames / FRAMES_PER_SECOND, folder, on_progress)

    def _write(
        self, content: bytes, size: tuple[int, int], seconds: float, folder: Path, on_progress: ReportProgress
    ) -> RenderedVideo:
        self.folders.append(folder)
        video, poster, preview = folder / "video.mp4", folder / "poster.jpg", folder / "preview.webp"
        video.write_bytes(content)
        poster.write_bytes(POSTER)
        preview.write_bytes(PREVIEW)
        for done in (0.0, 0.25, 0.5, 0.75, 1.0):
            if self.at_report:
                self.at_report(done)
            on_progress(done)
            if self.error and done == 0.5:
                raise self.error
        return RenderedVideo(video, poster, preview, *size, seconds)
