"""Frame as three planes (luma and chroma) in the encoder's format, so that frames need no conversion.

Luma and half-size chroma need 1.5 bytes per pixel, and RGB in Pillow needs 4. Together with the saved conversion this
halves the time per frame.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from videojobs_sketch.colour import Ink

OPACITY_STEPS = 32
"""Number of different opacities; each has a lookup table."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """Shape to fill with a colour: `mask` is the coverage per pixel, and `half` that of the half-size chroma planes."""

    mask: Image.Image
    half: Image.Image

    @classmethod
    def of(cls, mask: Image.Image) -> "Stencil":
        """Return the stencil of a mask (mode L); sizes should be even."""
        return cls(mask, mask.reduce(2))

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return self.mask.width

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return self.mask.height

    def faded(self, opacity: float) -> "Stencil":
        """Return the shape with its coverage multiplied by `opacity` (0 to 1)."""
        table = _fade_table(round(opacity * OPACITY_STEPS))
        return Stencil(self.mask.point(table), self.half.point(table))

    def scaled(self, across: float, down: float) -> "Stencil":
        """Return the shape scaled by two factors, to at least 2 by 2 pixels."""
        size = max(2, round(self.width * across)), max(2, round(self.height * down))
        return Stencil.of(self.mask.resize(size, Image.Resampling.BILINEAR))

    def rotated(self, degrees: float) -> "Stencil":
        """Return the shape rotated anticlockwise; the mask grows so that nothing is cut off."""
        return Stencil.of(self.mask.rotate(degrees, Image.Resampling.BICUBIC, expand=True))

    def crop(self, left: int, top: int, width: int, height: int) -> "Stencil":
        """Return a part of the stencil; `left` and `top` should be even."""
        return Stencil(
            self.mask.crop((left, top, left + width, top + height)),
            self.half.crop((left // 2, top // 2, (left + width) // 2, (top + height) // 2)),
        )


@lru_cache(maxsize=OPACITY_STEPS + 1)
def _fade_table(step: int) -> list[int]:
    return [value * step // OPACITY_STEPS for value in range(256)]


class Canvas:
    """One frame with an even width and height. Shapes are clipped at its edges."""

    def __init__(self, width: int, height: int) -> None:
        """Create a frame; fill it before use."""
        self.width = width
        self.height = height
        self.luma = Image.new("L", (width, height))
        self.blue = Image.new("L", (width // 2, height // 2))
        self.red = Image.new("L", (width // 2, height // 2))

    def fill(self, ink: Ink) -> None:
        """Fill the frame with one colour."""
        self.rectangle(ink, 0, 0, self.width, self.height)

    def rectangle(self, ink: Ink, left: float, top: float, right: float, bottom: float) -> None:
        """Draw a rectangle, with its edges rounded to whole pixels."""
        box = round(left), round(top), round(right), round(bottom)
        half = box[0] // 2, box[1] // 2, (box[2] + 1) // 2, (box[3] + 1) // 2
        if box[0] < box[2] and box[1] < box[3]:
            self.luma.paste(ink.luma, box)
            self.blue.paste(ink.blue, half)
            self.red.paste(ink.red, half)

    def stamp(self, stencil: Stencil, ink: Ink, left: float, top: float) -> None:
        """Draw a stencil with its upper left corner at a position in pixels."""
        x, y = round(left), round(top)
        self.luma.paste(ink.luma, (x, y), stencil.mask)
        self.blue.paste(ink.blue, (x // 2, y // 2), stencil.half)
        self.red.paste(ink.red, (x // 2, y // 2), stencil.half)

    def stamp_centred(self, stencil: Stencil, ink: Ink, x: float, y: float) -> None:
        """Draw a stencil with its centre at a position in pixels."""
        self.stamp(stencil, ink, x - stencil.width / 2, y - stencil.height / 2)

    def copy_from(self, other: "Canvas") -> None:
        """Copy a canvas of the same size."""
        self.luma.paste(other.luma)
        self.blue.paste(other.blue)
        self.red.paste(other.red)

    def copy_through(self, other: "Canvas", stencil: Stencil) -> None:
        """Copy a canvas of the same size where a stencil of the frame's size covers it."""
        self.luma.paste(other.luma, (0, 0), stencil.mask)
        self.blue.paste(other.blue, (0, 0), stencil.half)
        self.red.paste(other.red, (0, 0), stencil.half)

    def stretch_from(self, other: "Canvas") -> None:
        """Copy a canvas, scaled to the size of this canvas."""
        smooth = Image.Resampling.BILINEAR
        self.luma = other.luma.resize(self.luma.size, smooth)
        self.blue = other.blue.resize(self.blue.size, smooth)
        self.red = other.red.resize(self.red.size, smooth)

    def planes(self) -> Iterable[Image.Image]:
        """Return the planes in the encoder's order: luma, blue difference and red difference. They are not copies."""
        return self.luma, self.blue, self.red


class Glider:
    """Stencil with half-pixel positions, so that slow motion is smooth."""

    _PHASES = 4

    def __init__(self, stencil: Stencil) -> None:
        """Add a margin to the stencil; shifted copies are created when they are first used."""
        self._paper = Image.new("L", (stencil.width + 4, stencil.height + 4))
        self._paper.paste(stencil.mask, (2, 2))
        self._copies: dict[tuple[int, int], Stencil] = {}

    def stamp(self, canvas: Canvas, ink: Ink, x: float, y: float) -> None:
        """Draw the stencil with its centre at a position in pixels, rounded to half pixels."""
        left, top = x - self._paper.width / 2 + 1, y - self._paper.height / 2 + 1
        whole_left, whole_top = 2 * math.floor(left / 2), 2 * math.floor(top / 2)
        phase = int((left - whole_left) * self._PHASES / 2), int((top - whole_top) * self._PHASES / 2)
        canvas.stamp(self._shifted(phase), ink, whole_left, whole_top)

    def _shifted(self, phase: tuple[int, int]) -> Stencil:
        if phase not in self._copies:
            across, down = (part * 2 / self._PHASES for part in phase)
            size = self._paper.width - 2, self._paper.height - 2
            box = 2 - across, 2 - down, 2 - across + size[0], 2 - down + size[1]
            self._copies[phase] = Stencil.of(self._paper.resize(size, Image.Resampling.BILINEAR, box))
        return self._copies[phase]
