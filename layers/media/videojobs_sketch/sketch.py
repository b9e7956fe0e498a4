"""The embedded provider's pencil: draws a prompt as a real, playable MP4, with no key and no network.

It draws and does not dream: type, colour and motion that fit the prompt, never a picture of what it says.
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
    """Something that can draw any moment of itself."""

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """The frame at that time."""
        ...


class _Loop:
    """`background`: a ground alone, without text, that begins again where it ended."""

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random, seconds: float) -> None:
        self._seconds = seconds
        scene = Scene(canvas.width, canvas.height, palette, rng, seconds, has_text=False)
        self._background = choose_background(prompt, rng, ALONE)(scene)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        self._background.paint(canvas, (seconds / self._seconds) % 1)


def plan_sketch(*, prompt: str, style: str, seconds: float, video_format: VideoFormat) -> tuple[Canvas, Picture]:
    """What is to be drawn, and a canvas of the right size to draw its frames on."""
    canvas = Canvas(video_format.width, video_format.height)
    palette = make_palette(prompt, style)
    rng = rng_for("picture", prompt, style, video_format.ratio)
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
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Write the sketch of a prompt to `path`; the same arguments give the same bytes.

    It has `round(seconds * frames_per_second)` frames.

    `on_progress` hears the part that is done (0–1) about every half second. It may raise to stop the work: the
    half-made file is removed then, and its exception goes on to the caller.
    """
    rate = video_format.frames_per_second
    frames = max(1, round(seconds * rate))
    length = frames / rate
    canvas, picture = plan_sketch(prompt=prompt, style=style, seconds=length, video_format=video_format)
    try:
        with Mp4Writer(path, video_format) as writer:
            told = monotonic()
            for frame in range(frames):
                picture.paint(canvas, frame / rate)
                writer.write(canvas)
                if monotonic() - told >= _PROGRESS_EVERY_SECONDS:
                    told = monotonic()
                    on_progress(frame / frames)
        on_progress(1.0)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
