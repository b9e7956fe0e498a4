"""Shapes of the sketches, as cached stencils with smooth edges. Sizes are in pixels."""

import math
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

from videojobs_sketch.canvas import Stencil

_FINER = 4
"""Factor by which shapes are drawn larger and then reduced, to smooth their edges."""

type Pen = Callable[[ImageDraw.ImageDraw, int], None]


def _drawn(size: int, pen: Pen, height: int | None = None) -> Stencil:
    mask = Image.new("L", (size * _FINER, (height or size) * _FINER))
    pen(ImageDraw.Draw(mask), _FINER)
    return Stencil.of(mask.reduce(_FINER))


@lru_cache(maxsize=32)
def disc(size: int) -> Stencil:
    """Return a filled circle with the diameter `size`."""
    return _drawn(size, lambda draw, k: draw.ellipse((0, 0, size * k - 1, size * k - 1), fill=255))


@lru_cache(maxsize=32)
def ring(size: int, stroke: int) -> Stencil:
    """Return a circle outline with the outer diameter `size` and the line width `stroke`."""
    return _drawn(size, lambda draw, k: draw.ellipse((0, 0, size * k - 1, size * k - 1), outline=255, width=stroke * k))


@lru_cache(maxsize=8)
def ellipse(width: int, height: int, stroke: int) -> Stencil:
    """Return an ellipse outline with the line width `stroke`."""
    box = 0, 0, width * 2 - 1, height * 2 - 1
    mask = Image.new("L", (width * 2, height * 2))
    ImageDraw.Draw(mask).ellipse(box, outline=255, width=stroke * 2)
    return Stencil.of(mask.reduce(2))


@lru_cache(maxsize=32)
def pill(width: int, height: int, radius: int) -> Stencil:
    """Return a filled rectangle with rounded corners."""
    return _drawn(
        width,
        lambda draw, k: draw.rounded_rectangle((0, 0, width * k - 1, height * k - 1), radius * k, fill=255),
        height,
    )


@lru_cache(maxsize=32)
def polygon(size: int, corners: int, inner: float = 1.0) -> Stencil:
    """Return a regular polygon with a corner at the top, or a star if `inner` is below 1.

    `inner` is the radius of the star's notches relative to that of its corners.
    """
    points = corners * 2 if inner < 1 else corners
    radii = [size / 2 * (inner if inner < 1 and index % 2 else 1) for index in range(points)]
    angles = [2 * math.pi * index / points - math.pi / 2 for index in range(points)]
    path = [
        (size / 2 + radius * math.cos(angle), size / 2 + radius * math.sin(angle))
        for radius, angle in zip(radii, angles, strict=True)
    ]
    return _drawn(size, lambda draw, k: draw.polygon([(x * k, y * k) for x, y in path], fill=255))


@lru_cache(maxsize=32)
def half_disc(size: int) -> Stencil:
    """Return the upper half of a filled circle with the diameter `size`."""
    return _drawn(
        size, lambda draw, k: draw.pieslice((0, 0, size * k - 1, size * k - 1), 180, 360, fill=255), size // 2
    )


@lru_cache(maxsize=32)
def quarter_disc(side: int, paper: int, bands: int = 1) -> Stencil:
    """Return a circle around the upper left corner of a square, of which the square shows a quarter.

    The square has the size `side` and lies in the middle of a mask of the size `paper`. The circle is drawn on the
    whole mask, so that the square can be rotated. With `bands` above 1, the circle consists of that many concentric
    bands.
    """
    corner = (paper - side) / 2

    def pen(draw: ImageDraw.ImageDraw, k: int) -> None:
        for band in range(bands * 2 - 1):
            reach = side * k * (1 - band / (bands * 2 - 1))
            draw.circle((corner * k, corner * k), reach, fill=0 if band % 2 else 255)

    return _drawn(paper, pen)


@lru_cache(maxsize=32)
def squiggle(width: int, stroke: int, waves: int = 3) -> Stencil:
    """Return a wavy line with round ends and the line width `stroke`; its height is a third of its width."""
    height = width // 3
    reach = (height - stroke) / 2
    path = [
        (stroke / 2 + (width - stroke) * step / 120, height / 2 + reach * math.sin(2 * math.pi * waves * step / 120))
        for step in range(121)
    ]

    def pen(draw: ImageDraw.ImageDraw, k: int) -> None:
        for x, y in path:
            draw.circle((x * k, y * k), stroke * k / 2, fill=255)

    return _drawn(width, pen, height)


@lru_cache(maxsize=8)
def glow(width: int, height: int, strength: float = 1.0) -> Stencil:
    """Return a soft light that fades from `strength` (0 to 1) in the centre to 0 at the edge."""
    ramp = Image.radial_gradient("L")
    table = [round(255 * strength * (0.5 + 0.5 * math.cos(math.pi * min(1.0, value / 180)))) for value in range(256)]
    return Stencil.of(ramp.point(table).resize((width, height), Image.Resampling.BILINEAR))


@lru_cache(maxsize=32)
def bokeh(size: int) -> Stencil:
    """Return a disc like a light out of focus: its edge is soft and a little brighter than its centre."""
    disc_mask = Image.new("L", (256, 256))
    draw = ImageDraw.Draw(disc_mask)
    for reach in range(128, 90, -1):
        inside = (128 - reach) / 38
        brightness = min(1.0, inside * 3) * (1.0 - 0.35 * min(1.0, max(0.0, inside - 0.15) * 1.4))
        draw.circle((128, 128), reach, fill=round(255 * brightness))
    return Stencil.of(disc_mask.resize((size, size), Image.Resampling.BICUBIC))


def band(width: int, height: int, edge: Callable[[float], float]) -> Stencil:
    """Return the area below a curve; `edge` returns its y (0 at the top, `height` at the bottom) for each x."""
    mask = Image.new("L", (width * 2, height * 2))
    line = [(x, 2 * edge(x / 2)) for x in range(width * 2 + 1)]
    ImageDraw.Draw(mask).polygon([*line, (width * 2, height * 2), (0, height * 2)], fill=255)
    return Stencil.of(mask.reduce(2))
