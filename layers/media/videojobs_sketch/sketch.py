"""Renderer of the `sketch` provider: writes a prompt as an MP4 of animated typography, without a key or a network.

Colours, motion and background depend on the prompt, but the video does not depict the prompt's content.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from videojobs_sketch.backgrounds.choice import ALONE, choose_background
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.canvas import Canvas
from videojobs_sketch.captions import Captions
from videojobs_sketch.encoder import Mp4Writer
from videojobs_sketch.kinetic import Kinetic
from videojobs_sketch.palette import Palette, make_palette, rng_for
from videojobs_sketch.video_format import VideoFormat

type ReportProgress = Callable[[float], None]


_PROGRESS_EVERY_SECONDS = 0.5


class Picture(Protocol):
    """Animation that can draw any of its frames."""

    @property
    def best_moment(self) -> float | None:
        """Return the time in seconds before which a frame represents the video best, or None if all are alike."""
        ...

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """Draw the frame at a time in seconds."""
        ...


class _Loop:
    """Animation of the style `background`: a background without text that repeats seamlessly."""

    best_moment: float | None = None

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random, seconds: float) -> None:
        self._seconds = seconds
        scene = Scene(canvas.width, canvas.height, palette, rng, seconds, has_text=False)
        self._background = choose_background(prompt, rng, ALONE)(scene)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        self._background.paint(canvas, (seconds / self._seconds) % 1)


def plan_sketch(
    *, prompt: str, style: str, seconds: float, video_format: VideoFormat, seed: int | None = None
) -> tuple[Canvas, Picture]:
    """Return a canvas of the video's size and the animation of a prompt; the same arguments give the same animation.

    Raises:
        ValueError: If the style is unknown.
    """
    canvas = Canvas(video_format.width, video_format.height)
    palette = make_palette(prompt, style, seed)
    rng = rng_for("picture", prompt, style, video_format.ratio, *([] if seed is None else [seed]))
    match style:
        case "fun":
            return canvas, Kinetic(canvas, prompt, palette, rng, seconds)
        case "calm":
            return canvas, Captions(canvas, prompt, palette, rng, seconds)
        case "background":
            return canvas, _Loop(canvas, prompt, palette, rng, seconds)
        case _:
            raise ValueError(f"unknown style: {style}")


def draw_sketch(
    *,
    prompt: str,
    style: str,
    seconds: float,
    video_format: VideoFormat,
    path: Path,
    on_progress: ReportProgress,
    seed: int | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> float | None:
    """Write the sketch of a prompt to `path` as an MP4; the same arguments give the same bytes.

    Return the time in seconds of the frame for the poster, which shows a page of text completely, or None without text.

    Args:
        prompt: The text to show.
        style: `fun`, `calm` or `background`.
        seconds: The duration; the video has `round(seconds * frames_per_second)` frames, at least one.
        video_format: The size and frame rate.
        path: The file to write. It is removed if drawing fails.
        on_progress: Called with the completed part (0 to 1) about every half second, and with 1 at the end. An
            exception that it raises stops the drawing and is raised to the caller.
        seed: Varies the colours, the motion and the background; None for those that the prompt alone determines.
        monotonic: Returns seconds; determines when progress is reported.

    Raises:
        ValueError: If the style is unknown.
        OSError: If the file can't be written.
    """
    rate = video_format.frames_per_second
    frames = max(1, round(seconds * rate))
    length = frames / rate
    canvas, picture = plan_sketch(prompt=prompt, style=style, seconds=length, video_format=video_format, seed=seed)
    try:
        with Mp4Writer(path, video_format) as writer:
            reported_at = monotonic()
            for frame in range(frames):
                picture.paint(canvas, frame / rate)
                writer.write(canvas)
                if monotonic() - reported_at >= _PROGRESS_EVERY_SECONDS:
                    reported_at = monotonic()
                    on_progress(frame / frames)
        on_progress(1.0)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return None if picture.best_moment is None else max(0.0, picture.best_moment - 1 / rate)
