"""Moving patterns: a rotating sunburst, a field of dots, and a wall of tiles."""

import math
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from videojobs_sketch import stencils
from videojobs_sketch.backgrounds.lively import Tumble
from videojobs_sketch.backgrounds.scene import Scene, even
from videojobs_sketch.canvas import Canvas, Stencil
from videojobs_sketch.colour import Ink, between
from videojobs_sketch.easing import part, smooth, swing

_RAYS = 10
_RAY_STEPS = 30
"""Number of positions between two rays."""


@lru_cache(maxsize=_RAY_STEPS)
def _rays(width: int, height: int, middle: tuple[float, float], step: int) -> Stencil:
    """Return every other sector around the middle; cached, because all pages and rounds use the same steps."""
    image = Image.new("L", (width * 2, height * 2))
    draw = ImageDraw.Draw(image)
    reach = 4.2 * max(width, height)
    x, y = middle[0] * 2, middle[1] * 2
    for ray in range(_RAYS):
        start = 2 * math.pi * (ray + step / _RAY_STEPS) / _RAYS
        edge = [(x + reach * math.cos(at), y + reach * math.sin(at)) for at in (start, start + math.pi / _RAYS)]
        draw.polygon([(x, y), *edge], fill=255)
    return Stencil.of(image.reduce(2))


class Rays:
    """Background of a rotating sunburst behind a pulsating disc."""

    text_middle = 0.48

    def __init__(self, scene: Scene) -> None:
        """Choose the colours and the direction of rotation."""
        step = -0.05 if scene.palette.is_dark else 0.055
        self._background, self._ray = scene.palette.background.ink(), scene.palette.background.lighter(step).ink()
        self._core = scene.palette.background.lighter(2 * step).ink()
        self._middle = scene.width / 2, scene.height * 0.48
        self._turns = scene.cycles(2.4) * scene.rng.choice((1, -1))
        self._beats = scene.cycles(1.2)
        self._flakes = Tumble(scene, count=14)
        self._discs = [stencils.disc(even(scene.short * (0.8 + 0.02 * step))) for step in range(9)]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.fill(self._background)
        step = round(self._turns * turn * _RAY_STEPS) % _RAY_STEPS
        canvas.stamp(_rays(canvas.width, canvas.height, self._middle, step), self._ray, 0, 0)
        beat = (self._beats * turn) % 1
        disc = self._discs[round(8 * (1 - smooth(part(beat, 0.0, 0.7))))]
        canvas.stamp_centred(disc, self._core, *self._middle)
        self._flakes.scatter(canvas, turn)


class Dots:
    """Background of dots that grow and shrink as waves pass."""

    text_middle = 0.48
    _SIZES = 20

    def __init__(self, scene: Scene) -> None:
        """Choose positions and colours of the dots; dots behind text are smaller."""
        self._background = scene.palette.background.ink()
        pitch = scene.long / scene.rng.choice((18, 22))
        self._dots = [
            stencils.disc(max(2, even(pitch * 0.92 * step / self._SIZES))) for step in range(1, self._SIZES + 1)
        ]
        self._way = scene.way(4)
        source = scene.width * scene.rng.uniform(-0.1, 1.1), scene.height * scene.rng.choice((-0.1, 1.1))
        long = scene.long * scene.rng.uniform(0.5, 0.8)
        colours = [scene.palette.shapes[0], scene.palette.shapes[1], scene.palette.shapes[2], scene.palette.shapes[0]]
        self._field: list[tuple[float, float, float, float, float, Ink]] = []
        rows, columns = math.ceil(scene.height / pitch) + 1, math.ceil(scene.width / pitch) + 1
        for row in range(rows):
            for column in range(columns):
                x, y = (column + (0.5 if row % 2 else 0)) * pitch, row * pitch
                far = math.hypot(x - source[0], y - source[1])
                hue = 2.999 * ((x / scene.width + y / scene.height) / 2 % 1)
                ink = between(colours[int(hue)], colours[int(hue) + 1], hue % 1).ink()
                quiet = (
                    math.hypot((x / scene.width - 0.5) / 0.5, (y / scene.height - 0.48) / 0.42) if scene.has_text else 1
                )
                self._field.append((x, y, far / long, (x - y) / (1.7 * long), min(1.0, 0.15 + quiet**2), ink))

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.fill(self._background)
        gone = self._way.at(turn)
        for x, y, far, across, room, ink in self._field:
            swell = 0.5 + 0.32 * swing(far - gone) + 0.18 * swing(across + gone)
            canvas.stamp_centred(self._dots[min(self._SIZES - 1, int(swell * room * self._SIZES))], ink, x, y)


@dataclass(frozen=True, slots=True)
class _Tile:
    left: int
    top: int
    bands: int
    paper: Ink
    ink: Ink
    quarter: int
    begins: tuple[float, ...]


def _starts(length: int, side: int) -> range:
    """Return the starts of the tiles along a side; the tiles at both ends are cut equally."""
    over = math.ceil(length / side) * side - length
    return range(-over // 2 // 2 * 2, length, side)


class Tiles:
    """Background of tiles with quarter circles, of which a few rotate at a time."""

    text_middle = 0.5
    _BANDS = (1, 1, 2, 3)
    _STEPS = 15

    def __init__(self, scene: Scene) -> None:
        """Choose colours, pattern and rotations of the tiles; there are none behind text."""
        self._side = math.gcd(scene.width, scene.height) * 2
        while self._side > scene.long / 6:
            self._side //= 2
        self._turn_time = min(0.25, 1.1 / scene.seconds)
        self._masks: dict[tuple[int, int], Stencil] = {}
        colours = [colour.ink() for colour in (scene.palette.background, *scene.palette.shapes)]
        # Quarter turns, whose sum is a whole number of turns.
        self._steps = (1, -1) if scene.seconds < 8 else (1,) * 4 * scene.cycles(14)
        self._background = scene.palette.background.ink()
        self._tiles = []
        for left in _starts(scene.width, self._side):
            for top in _starts(scene.height, self._side):
                across = abs(left + self._side / 2 - scene.width / 2) / scene.width
                down = abs(top + self._side / 2 - scene.height / 2) / scene.height
                if scene.has_text and across < 0.45 and down < 0.34:
                    continue
                paper, ink = scene.rng.sample(colours, 2)
                begins = tuple(
                    (slot + scene.rng.uniform(0, 0.7)) / len(self._steps) for slot in range(len(self._steps))
                )
                bands, quarter = scene.rng.choice(self._BANDS), scene.rng.randrange(4)
                self._tiles.append(_Tile(left, top, bands, paper, ink, quarter, begins))

    def _mask(self, bands: int, step: int) -> Stencil:
        key = bands, step % (4 * self._STEPS)
        if key not in self._masks:
            paper = self._side * 3 // 2 // 2 * 2
            whole = stencils.quarter_disc(self._side, paper, bands).mask
            turned = whole.rotate(-90 * key[1] / self._STEPS, Image.Resampling.BICUBIC)
            inset = (paper - self._side) // 2
            self._masks[key] = Stencil.of(turned.crop((inset, inset, inset + self._side, inset + self._side)))
        return self._masks[key]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.fill(self._background)
        for tile in self._tiles:
            quarters = tile.quarter + sum(
                step * smooth(part(later, begin, self._turn_time))
                for begin, step in zip(tile.begins, self._steps, strict=True)
                for later in (turn, turn + 1)
            )
            canvas.rectangle(tile.paper, tile.left, tile.top, tile.left + self._side, tile.top + self._side)
            canvas.stamp(self._mask(tile.bands, round(quarters * self._STEPS)), tile.ink, tile.left, tile.top)
