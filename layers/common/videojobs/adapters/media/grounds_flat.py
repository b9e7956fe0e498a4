"""Lively grounds: bouncing shapes, turning rays, a field of dots, tiles that flip. All come back to where they began."""

import math
import random
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw

from videojobs.adapters.media import stencils
from videojobs.adapters.media.canvas import Canvas, Stencil
from videojobs.adapters.media.colour import Ink
from videojobs.adapters.media.easing import bounce, part, smooth, swing
from videojobs.adapters.media.grounds_soft import cycles, mixed
from videojobs.adapters.media.palette import Palette


class _Piece:
    """A shape that can be turned and squashed; its versions are made when they are first needed."""

    def __init__(self, stencil: Stencil, symmetry: float) -> None:
        self._stencil = stencil
        self._symmetry = symmetry
        self._turned: dict[int, Stencil] = {}
        self._squashed: dict[int, Stencil] = {}

    def turned(self, degrees: float) -> Stencil:
        """Turned by so much, to 6 degrees."""
        step = round(degrees % self._symmetry / 6) if self._symmetry else 0
        if step not in self._turned:
            self._turned[step] = self._stencil.rotated(-step * 6) if step else self._stencil
        return self._turned[step]

    def squashed(self, height: float) -> Stencil:
        """Flatter and wider (`height` below 1) or taller and slimmer, its area the same."""
        step = round(height * 24)
        if step not in self._squashed:
            self._squashed[step] = self._stencil if step == 24 else self._stencil.scaled(24 / step, step / 24)
        return self._squashed[step]


def _any_piece(dice: random.Random, size: int) -> _Piece:
    return dice.choice(
        (
            lambda: _Piece(stencils.polygon(size, 3), 120),
            lambda: _Piece(stencils.polygon(size, 4), 90),
            lambda: _Piece(stencils.polygon(size, 5, 0.5), 72),
            lambda: _Piece(stencils.polygon(size, 8, 0.72), 45),
            lambda: _Piece(stencils.half_disc(size), 360),
            lambda: _Piece(stencils.squiggle(size, max(4, size // 8)), 180),
            lambda: _Piece(stencils.ring(size, max(4, size // 6)), 0),
            lambda: _Piece(stencils.pill(size, size // 3, size // 6), 180),
        )
    )()


@dataclass(frozen=True, slots=True)
class _Ball:
    piece: _Piece
    ink: Ink
    size: int
    x: float
    jump: float
    bounces: int
    phase: float


class Bounce:
    """Balls that jump on a floor, flattening as they land, and loose shapes that tumble above."""

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Line the balls up."""
        self._ground, self._floor_ink = palette.ground.ink(), palette.shapes[-1].ink()
        self._shadow = mixed(palette.shapes[-1], palette.text, 0.16)
        self._floor = round(canvas.height * 0.84 / 2) * 2
        span = min(canvas.width, canvas.height)
        count = 7 if canvas.width > canvas.height else 5
        self._balls = []
        for index in range(count):
            size = int(span * dice.uniform(0.09, 0.19)) // 2 * 2
            self._balls.append(
                _Ball(
                    _Piece(stencils.disc(size), 0),
                    palette.shapes[index % (len(palette.shapes) - 1)].ink(),
                    size,
                    canvas.width * (index + 0.5 + dice.uniform(-0.2, 0.2)) / count,
                    canvas.height * dice.uniform(0.16, 0.5),
                    cycles(seconds, dice.uniform(0.75, 1.1)),
                    dice.random(),
                )
            )
        self._tumbling = Tumble(canvas, palette, dice, seconds, count=9)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.fill(self._ground)
        self._tumbling.scatter(canvas, turn)
        canvas.rectangle(self._floor_ink, 0, self._floor, canvas.width, canvas.height)
        for ball in self._balls:
            height = bounce(ball.bounces * turn + ball.phase)
            squash = 1 - 0.34 * max(0.0, 1 - height * 7) + 0.1 * max(0.0, 1 - abs(height - 0.3) * 4)
            stencil = ball.piece.squashed(squash)
            shade = stencils.disc(ball.size).scaled(1 - 0.4 * height, 0.16)
            canvas.stamp_centred(shade, self._shadow, ball.x, self._floor + ball.size * 0.18)
            bottom = self._floor + ball.size * 0.18 - ball.jump * height
            canvas.stamp(stencil, ball.ink, ball.x - stencil.width / 2, bottom - stencil.height)


@dataclass(frozen=True, slots=True)
class _Flake:
    piece: _Piece
    ink: Ink
    x: float
    y: float
    laps: int
    spins: int
    sway: float
    phase: float


class Tumble:
    """Paper shapes that fall and turn."""

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float, count: int = 26) -> None:
        """Cut the shapes."""
        self._ground = palette.ground.ink()
        span = min(canvas.width, canvas.height)
        kinds = [_any_piece(dice, int(span * share) // 2 * 2) for share in (0.05, 0.065, 0.08, 0.1, 0.13, 0.17)]
        self._margin = span * 0.16
        self._flakes = [
            _Flake(
                kinds[index % len(kinds)],
                dice.choice(palette.shapes).ink(),
                canvas.width * (index + dice.random()) / count,
                dice.random(),
                cycles(seconds, dice.uniform(3.5, 6)),
                cycles(seconds, dice.uniform(2, 4)) * dice.choice((1, -1)),
                span * dice.uniform(0.02, 0.06),
                dice.random(),
            )
            for index in range(count)
        ]

    def scatter(self, canvas: Canvas, turn: float) -> None:
        """The shapes alone, over what is there."""
        for flake in self._flakes:
            y = (canvas.height + 2 * self._margin) * ((flake.y + flake.laps * turn) % 1) - self._margin
            x = flake.x + flake.sway * swing(flake.laps * 2 * turn + flake.phase)
            canvas.stamp_centred(flake.piece.turned(360 * (flake.spins * turn + flake.phase)), flake.ink, x, y)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.fill(self._ground)
        self.scatter(canvas, turn)


class Rays:
    """A sunburst that turns behind a disc that breathes."""

    _RAYS = 10
    _STEPS = 30

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Choose the middle and the direction."""
        self._ground, self._ray = palette.ground.ink(), mixed(palette.ground, palette.shapes[0], 0.6)
        self._core = palette.shapes[0].ink()
        self._size = canvas.width, canvas.height
        self._middle = canvas.width * dice.choice((0.5, 0.5, 0.2, 0.8)), canvas.height * dice.choice((0.5, 0.5, 1.0))
        self._turns = cycles(seconds, 2.4) * dice.choice((1, -1))
        self._beats = cycles(seconds, 1.2)
        self._masks: dict[int, Stencil] = {}
        self._flakes = Tumble(canvas, palette, dice, seconds, count=12)
        self._discs = [
            stencils.disc(int(min(self._size) * (0.42 + 0.012 * step)) // 2 * 2) for step in range(9)
        ]  # fmt: skip

    def _mask(self, step: int) -> Stencil:
        if step not in self._masks:
            width, height = self._size
            image = Image.new("L", (width * 2, height * 2))
            draw = ImageDraw.Draw(image)
            reach = 4.2 * max(self._size)
            x, y = self._middle[0] * 2, self._middle[1] * 2
            for ray in range(self._RAYS):
                start = 2 * math.pi * (ray + step / self._STEPS) / self._RAYS
                stop = start + math.pi / self._RAYS
                edge = [(x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle in (start, stop)]
                draw.polygon([(x, y), *edge], fill=255)
            self._masks[step] = Stencil.of(image.reduce(2))
        return self._masks[step]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.fill(self._ground)
        canvas.stamp(self._mask(round(self._turns * turn * self._STEPS) % self._STEPS), self._ray, 0, 0)
        beat = (self._beats * turn) % 1
        disc = self._discs[round(8 * (1 - smooth(part(beat, 0.0, 0.7))))]
        canvas.stamp_centred(disc, self._core, *self._middle)
        self._flakes.scatter(canvas, turn)


class Dots:
    """A field of dots through which waves run: each dot swells as they pass."""

    _SIZES = 20

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Lay the dots out."""
        self._ground = palette.ground.ink()
        pitch = max(canvas.width, canvas.height) / dice.choice((18, 22))
        self._dots = [
            stencils.disc(max(2, int(pitch * 0.92 * step / self._SIZES) // 2 * 2)) for step in range(1, self._SIZES + 1)
        ]
        self._turns = cycles(seconds, 4)
        source = canvas.width * dice.uniform(-0.1, 1.1), canvas.height * dice.choice((-0.1, 1.1))
        long = max(canvas.width, canvas.height) * dice.uniform(0.5, 0.8)
        colours = [palette.shapes[0], palette.shapes[1], palette.shapes[2], palette.shapes[0]]
        self._field: list[tuple[float, float, float, float, Ink]] = []
        rows, columns = math.ceil(canvas.height / pitch) + 1, math.ceil(canvas.width / pitch) + 1
        for row in range(rows):
            for column in range(columns):
                x, y = (column + (0.5 if row % 2 else 0)) * pitch, row * pitch
                far = math.hypot(x - source[0], y - source[1])
                hue = 2.999 * ((x / canvas.width + y / canvas.height) / 2 % 1)
                ink = mixed(colours[int(hue)], colours[int(hue) + 1], hue % 1)
                self._field.append((x, y, far / long, (x - y) / (1.7 * long), ink))

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.fill(self._ground)
        for x, y, far, across, ink in self._field:
            swell = 0.5 + 0.32 * swing(far - self._turns * turn) + 0.18 * swing(across + self._turns * turn)
            canvas.stamp_centred(self._dots[min(self._SIZES - 1, int(swell * self._SIZES))], ink, x, y)


@dataclass(frozen=True, slots=True)
class _Tile:
    column: int
    row: int
    piece: _Piece
    paper: Ink
    ink: Ink
    quarter: int
    starts: tuple[float, ...]


class Tiles:
    """A wall of tiles with bold quarter circles, which turn, a few at a time."""

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Lay the tiles."""
        self._side = {1280: 160, 960: 160}.get(canvas.width, 144)
        if canvas.height == 1280:
            self._side = 144
        self._turn_time = min(0.25, 0.9 / seconds)
        columns, rows = math.ceil(canvas.width / self._side), math.ceil(canvas.height / self._side)
        colours = [colour.ink() for colour in (palette.ground, *palette.shapes)]
        kinds = [
            stencils.quarter_disc(self._side),
            stencils.quarter_disc(self._side, 2),
            stencils.quarter_disc(self._side, 3),
        ]
        turns = 4 * max(1, round(seconds / 12))
        self._tiles = []
        for row in range(rows):
            for column in range(columns):
                paper, ink = dice.sample(colours, 2)
                starts = tuple(sorted((slot + dice.uniform(0, 0.6)) / turns for slot in range(turns)))
                tile = _Tile(column, row, _Piece(dice.choice(kinds), 360), paper, ink, dice.randrange(4), starts)
                self._tiles.append(tile)

    @cached_property
    def _window(self) -> Canvas:
        return Canvas(self._side, self._side)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        for tile in self._tiles:
            left, top = tile.column * self._side, tile.row * self._side
            turned = tile.quarter + sum(smooth(part(turn, start, self._turn_time)) for start in tile.starts)
            turned += sum(
                smooth(part(turn + 1, start, self._turn_time)) for start in tile.starts if start + self._turn_time > 1
            )
            canvas.rectangle(tile.paper, left, top, left + self._side, top + self._side)
            stencil = tile.piece.turned(90 * turned)
            inset = (stencil.width - self._side) // 2 // 2 * 2
            if inset:
                stencil = stencil.crop(inset, inset, self._side, self._side)
            canvas.stamp(stencil, tile.ink, left, top)
