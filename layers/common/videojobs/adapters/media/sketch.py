"""The embedded provider's pencil: draws a prompt as a real, playable MP4, with no key and no network.

It draws and does not dream: type, colour and motion that fit the prompt, never a picture of what it says.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from videojobs.adapters.media.canvas import Canvas
from videojobs.adapters.media.captions import Captions
from videojobs.adapters.media.encoder import FRAMES_PER_SECOND, Mp4Writer
from videojobs.adapters.media.grounds.choice import ALONE, choose_ground
from videojobs.adapters.media.grounds.stage import Stage
from videojobs.adapters.media.kinetic import Kinetic
from videojobs.adapters.media.palette import Palette, dice_for, make_palette
from videojobs.domain.request import AspectRatio, Style
from videojobs.ports.videos import ReportProgress

__all__ = ["FRAMES_PER_SECOND", "SIZES", "draw_sketch"]

SIZES = {
    AspectRatio.LANDSCAPE: (1280, 720),
    AspectRatio.PORTRAIT: (720, 1280),
    AspectRatio.SQUARE: (960, 960),
    AspectRatio.CLASSIC: (960, 720),
}
"""Width and height in pixels."""

_PROGRESS_EVERY_SECONDS = 0.5


class Picture(Protocol):
    """Something that can draw any moment of itself."""

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """The frame at that time."""
        ...


class _Loop:
    """`background`: a ground alone, without text, that begins again where it ended."""

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, dice: random.Random, seconds: float) -> None:
        self._seconds = seconds
        stage = Stage(canvas.width, canvas.height, palette, dice, seconds, has_text=False)
        self._ground = choose_ground(prompt, dice, ALONE)(stage)

    def paint(self, canvas: Canvas, seconds: float) -> None:
        self._ground.paint(canvas, (seconds / self._seconds) % 1)


def plan_sketch(*, prompt: str, style: Style, seconds: float, aspect_ratio: AspectRatio) -> tuple[Canvas, Picture]:
    """What is to be drawn, and a canvas of the right size to draw its frames on."""
    canvas = Canvas(*SIZES[aspect_ratio])
    palette = make_palette(prompt, style)
    dice = dice_for("picture", prompt, style, aspect_ratio)
    match style:
        case Style.FUN:
            return canvas, Kinetic(canvas, prompt, palette, dice, seconds)
        case Style.CALM:
            return canvas, Captions(canvas, prompt, palette, dice, seconds)
        case Style.BACKGROUND:
            return canvas, _Loop(canvas, prompt, palette, dice, seconds)


def draw_sketch(
    *,
    prompt: str,
    style: Style,
    seconds: float,
    aspect_ratio: AspectRatio,
    path: Path,
    on_progress: ReportProgress,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Write the sketch of a prompt to `path`: `round(seconds * 24)` frames, the same bytes for the same arguments.

    `on_progress` hears the part that is done (0–1) about every half second. It may raise to stop the work: the
    half-made file is removed then, and its exception goes on to the caller.
    """
    frames = max(1, round(seconds * FRAMES_PER_SECOND))
    length = frames / FRAMES_PER_SECOND
    canvas, picture = plan_sketch(prompt=prompt, style=style, seconds=length, aspect_ratio=aspect_ratio)
    try:
        with Mp4Writer(path, canvas.width, canvas.height) as writer:
            told = monotonic()
            for frame in range(frames):
                picture.paint(canvas, frame / FRAMES_PER_SECOND)
                writer.write(canvas)
                if monotonic() - told >= _PROGRESS_EVERY_SECONDS:
                    told = monotonic()
                    on_progress(frame / frames)
        on_progress(1.0)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
