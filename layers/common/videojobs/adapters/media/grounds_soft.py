"""Quiet grounds: drifting light, hills in mist, lights out of focus. All come back to where they began."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from videojobs.adapters.media import stencils
from videojobs.adapters.media.canvas import Canvas, Glider, Stencil
from videojobs.adapters.media.colour import Colour, Ink
from videojobs.adapters.media.easing import swing
from videojobs.adapters.media.palette import Palette


def cycles(seconds: float, period: float) -> int:
    """How often something that takes about `period` seconds happens in a video that loops: a whole number, at least 1."""
    return max(1, round(seconds / period))


def mixed(one: Colour, other: Colour, share: float) -> Ink:
    """The ink between two colours."""
    a, b = one.ink(), other.ink()
    return Ink(
        round(a.luma + (b.luma - a.luma) * share),
        round(a.blue + (b.blue - a.blue) * share),
        round(a.red + (b.red - a.red) * share),
    )


@dataclass(frozen=True, slots=True)
class _Light:
    glider: Glider
    ink: Ink
    x: float
    y: float
    reach_x: float
    reach_y: float
    turns_x: int
    turns_y: int
    phase: float


class Lights:
    """Large soft lights that wander through one another, painted small and blown up."""

    _SHRINK = 8

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Place the lights."""
        width, height = canvas.width // self._SHRINK // 2 * 2, canvas.height // self._SHRINK // 2 * 2
        self._small = Canvas(width, height)
        self._ground = palette.ground.ink()
        span = max(width, height)
        base = cycles(seconds, 16)
        self._lights = [
            _Light(
                Glider(stencils.glow(size := int(span * dice.uniform(0.75, 1.25)) // 2 * 2, size, 0.95)),
                palette.shapes[index % len(palette.shapes)].ink(),
                width * dice.uniform(0.05, 0.95),
                height * dice.uniform(0.05, 0.95),
                width * dice.uniform(0.18, 0.38),
                height * dice.uniform(0.18, 0.38),
                base * dice.choice((1, 1, -1)),
                base * dice.choice((1, 1, -1, 2)),
                dice.random(),
            )
            for index in range(7)
        ]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        self._small.fill(self._ground)
        for light in self._lights:
            x = light.x + light.reach_x * swing(light.turns_x * turn + light.phase)
            y = light.y + light.reach_y * swing(light.turns_y * turn + light.phase * 1.7)
            light.glider.stamp(self._small, light.ink, x, y)
        canvas.stretch_from(self._small)


class _Ridge:
    """A range of hills wider than the frame, which can be moved by half a pixel."""

    _PHASES = 4

    def __init__(self, width: int, height: int, edge: Callable[[float], float]) -> None:
        self.height = height
        wide = stencils.band(width * 2 + 8, height * 2, lambda x: 2 * edge(x / 2)).mask
        self._copies = [
            Stencil.of(wide.crop((phase, 0, phase + width * 2, height * 2)).reduce(2)) for phase in range(self._PHASES)
        ]

    def at(self, offset: float, width: int) -> Stencil:
        """The part that is seen when the view begins at `offset`."""
        whole = 2 * math.floor(offset / 2)
        phase = int((offset - whole) * 2)
        return self._copies[phase].crop(whole, 0, width, self.height)


@dataclass(frozen=True, slots=True)
class _Layer:
    ridge: _Ridge
    ink: Ink
    top: float
    sway: float
    bob: float
    phase: float


class Hills:
    """Hills one behind the other under a low sun, seen from a slowly moving place."""

    _LAYERS = 5

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Build sky, sun and hills."""
        self._turns = cycles(seconds, 20)
        far, near = palette.shapes[0], palette.ground
        if not palette.is_dark:
            far, near = palette.ground, palette.shapes[1]
        self._sky = _sky(canvas, palette.ground, palette.shapes[1 if palette.is_dark else 0])
        sun = int(min(canvas.width, canvas.height) * dice.uniform(0.22, 0.34)) // 2 * 2
        x, y = canvas.width * dice.choice((0.27, 0.5, 0.73)), canvas.height * dice.uniform(0.34, 0.46)
        accent = palette.shapes[3]
        self._sky.stamp_centred(stencils.glow(sun * 5, sun * 5, 0.55), accent.ink(), x, y)
        self._sun, self._sun_ink, self._sun_at = Glider(stencils.disc(sun)), accent.lighter(0.05).ink(), (x, y)
        self._layers = [self._layer(canvas, dice, index, far, near) for index in range(self._LAYERS)]

    def _layer(self, canvas: Canvas, dice: random.Random, index: int, far: Colour, near: Colour) -> _Layer:
        depth = index / (self._LAYERS - 1)
        sway = canvas.width * (0.012 + 0.05 * depth**1.5)
        tall = int(canvas.height * (0.16 + 0.07 * depth)) // 2 * 2
        waves = [
            (dice.uniform(0.25, 0.5) * share, dice.uniform(0.7, 1.3) * frequency, dice.random())
            for share, frequency in ((1.0, 1.3), (0.55, 2.9), (0.22, 6.1))
        ]
        total = sum(share for share, _, _ in waves)

        def edge(x: float) -> float:
            height = sum(share * swing(frequency * x / canvas.width + phase) for share, frequency, phase in waves)
            return tall * (0.5 - 0.45 * height / total)

        ridge = _Ridge(int(canvas.width + 2 * sway + 8) // 2 * 2, tall, edge)
        top = canvas.height * (0.44 + 0.42 * depth)
        return _Layer(ridge, mixed(far, near, 0.12 + 0.88 * depth), top, sway, canvas.height * 0.006, dice.random())

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.copy_from(self._sky)
        x, y = self._sun_at
        self._sun.stamp(canvas, self._sun_ink, x, y + canvas.height * 0.02 * swing(self._turns * turn))
        for layer in self._layers:
            view = layer.sway * (1 + 0.98 * swing(self._turns * turn)) + 2
            top = 2 * round((layer.top + layer.bob * swing(self._turns * turn + layer.phase)) / 2)
            canvas.stamp(layer.ridge.at(view, canvas.width), layer.ink, 0, top)
            canvas.rectangle(layer.ink, 0, top + layer.ridge.height, canvas.width, canvas.height)


def _sky(canvas: Canvas, top: Colour, bottom: Colour) -> Canvas:
    sky = Canvas(canvas.width, canvas.height)
    sky.fill(top.ink())
    ramp = Image.linear_gradient("L").resize((canvas.width, int(canvas.height * 0.8)), Image.Resampling.BICUBIC)
    sky.stamp(Stencil.of(ramp), bottom.ink(), 0, 0)
    sky.rectangle(bottom.ink(), 0, ramp.height, canvas.width, canvas.height)
    return sky


@dataclass(frozen=True, slots=True)
class _Spot:
    gliders: tuple[Glider, ...]
    ink: Ink
    x: float
    y: float
    laps: int
    drift: float
    twinkles: int
    phase: float
    size: int


class Bokeh:
    """Lights out of focus that rise past one another and glow up and down."""

    _GLOWS = 6

    def __init__(self, canvas: Canvas, palette: Palette, dice: random.Random, seconds: float) -> None:
        """Place the lights."""
        self._sky = _sky(canvas, palette.ground, palette.shapes[2])
        span = min(canvas.width, canvas.height)
        rise = cycles(seconds, 26)
        sizes = [int(span * share) // 2 * 2 for share in (0.1, 0.16, 0.24, 0.36)]
        gliders = {
            size: tuple(
                Glider(stencils.bokeh(size).faded(0.14 + 0.5 * step / self._GLOWS)) for step in range(self._GLOWS)
            )
            for size in sizes
        }
        count = 22 * max(canvas.width, canvas.height) // 1280
        self._spots = [
            _Spot(
                gliders[size := sizes[index % len(sizes)]],
                dice.choice(palette.shapes).lighter(0.03).ink(),
                canvas.width * ((index + dice.random()) / count),
                dice.random(),
                rise * dice.choice((1, 1, 2)) if size < sizes[2] else rise,
                canvas.width * dice.uniform(0.01, 0.04),
                cycles(seconds, dice.uniform(4, 8)),
                dice.random(),
                size,
            )
            for index in range(count)
        ]
        self._spots.sort(key=lambda spot: -spot.size)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        canvas.copy_from(self._sky)
        for spot in self._spots:
            way = canvas.height + spot.size * 1.2
            y = way * ((spot.y - spot.laps * turn) % 1) - spot.size * 0.6
            x = spot.x + spot.drift * swing(spot.laps * turn + spot.phase)
            glow = (1 + swing(spot.twinkles * turn + spot.phase)) / 2
            spot.gliders[min(self._GLOWS - 1, int(glow * self._GLOWS))].stamp(canvas, spot.ink, x, y)
