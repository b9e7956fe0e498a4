"""Landscapes: hills in mist, a rolling sea, and planets on their orbits."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from videojobs_sketch import stencils
from videojobs_sketch.backgrounds.scene import Scene, Way, even
from videojobs_sketch.canvas import Canvas, Glider, Stencil
from videojobs_sketch.colour import Colour, Ink, between
from videojobs_sketch.easing import swing


class _Ridge:
    """Range of hills that is wider than the frame and moves in steps of half a pixel."""

    _PHASES = 4

    def __init__(self, width: int, height: int, edge: Callable[[float], float]) -> None:
        self.height = height
        wide = stencils.band(width * 2 + 8, height * 2, lambda x: 2 * edge(x / 2)).mask
        self._copies = [
            Stencil.of(wide.crop((phase, 0, phase + width * 2, height * 2)).reduce(2)) for phase in range(self._PHASES)
        ]

    def at(self, offset: float, width: int) -> Stencil:
        """Return the part of the range from `offset` (in pixels) with the given width."""
        whole = 2 * math.floor(offset / 2)
        phase = int((offset - whole) * 2)
        return self._copies[phase].crop(whole, 0, width, self.height)


class _Sun:
    """Sun or moon low above the horizon; its light is drawn on the sky."""

    def __init__(self, sky: Canvas, scene: Scene, horizon: float) -> None:
        size = even(scene.short * scene.rng.uniform(0.24, 0.36))
        self._x = scene.width * scene.rng.choice((0.24, 0.5, 0.76))
        self._y = scene.height * (horizon - scene.rng.uniform(0.03, 0.09))
        light = scene.palette.shapes[3] if scene.palette.is_dark else Colour(0.985, 0.04, 90)
        apart = abs((light.hue - scene.palette.background.hue + 180) % 360 - 180)
        # Complementary colours would mix to grey.
        halo = scene.palette.shapes[0].lighter(0.1) if scene.palette.is_dark and apart > 100 else light
        sky.stamp_centred(stencils.glow(size * 5, size * 5, 0.6), halo.ink(), self._x, self._y)
        self._disc, self._ink = Glider(stencils.disc(size)), light.ink()

    def paint(self, canvas: Canvas, higher: float) -> None:
        self._disc.stamp(canvas, self._ink, self._x, self._y - canvas.height * higher)


@dataclass(frozen=True, slots=True)
class _Layer:
    ridge: _Ridge
    ink: Ink
    top: int
    sway: float


class Hills:
    """Background of ranges of hills under a low sun, seen from a slowly moving position."""

    text_middle = 0.3
    _LAYERS = 5

    def __init__(self, scene: Scene) -> None:
        """Draw the sky, and choose the sun and the hills."""
        self._turns, self._rise = scene.cycles(20), 0.02 * min(1.0, scene.seconds / 8)
        self._sky = scene.sky(scene.palette.background, scene.palette.shapes[1 if scene.palette.is_dark else 0])
        horizon = 0.54 if scene.has_text else 0.5
        self._sun = _Sun(self._sky, scene, horizon)
        self._layers = [self._layer(scene, index / (self._LAYERS - 1), horizon) for index in range(self._LAYERS)]

    def _layer(self, scene: Scene, depth: float, horizon: float) -> _Layer:
        """Return one range of hills; `depth` is 0 for the farthest and 1 for the nearest."""
        palette, rng = scene.palette, scene.rng
        far, near = palette.shapes[0], palette.background
        if not palette.is_dark:
            far, near = between(palette.background, palette.shapes[0], 0.3), palette.shapes[1]
        sway = scene.width * (0.012 + 0.05 * depth**1.5) * min(1.0, scene.seconds / 8)
        tall = even(scene.height * (0.16 + 0.07 * depth))
        waves = [
            (rng.uniform(0.25, 0.5) * share, rng.uniform(0.7, 1.3) * frequency, rng.random())
            for share, frequency in ((1.0, 1.3), (0.55, 2.9), (0.22, 6.1))
        ]
        total = sum(share for share, _, _ in waves)

        def edge(x: float) -> float:
            height = sum(share * swing(frequency * x / scene.width + phase) for share, frequency, phase in waves)
            return tall * (0.5 - 0.45 * height / total)

        ridge = _Ridge(even(scene.width + 2 * sway + 8), tall, edge)
        top = even(scene.height * (horizon - 0.06 + (0.92 - horizon) * depth))
        ink = between(far, near, 0.12 + 0.88 * depth).ink()
        return _Layer(ridge, ink, top, sway)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.copy_from(self._sky)
        self._sun.paint(canvas, self._rise * swing(self._turns * turn))
        for layer in self._layers:
            view = layer.sway * (1 + 0.98 * swing(self._turns * turn)) + 2
            canvas.stamp(layer.ridge.at(view, canvas.width), layer.ink, 0, layer.top)
            canvas.rectangle(layer.ink, 0, layer.top + layer.ridge.height, canvas.width, canvas.height)


@dataclass(frozen=True, slots=True)
class _Swell:
    ridge: _Ridge
    ink: Ink
    top: float
    period: float
    way: Way
    direction: int
    heave: float
    phase: float


class Sea:
    """Background of waves that move sideways, in opposite directions."""

    text_middle = 0.3
    _SWELLS = 6

    def __init__(self, scene: Scene) -> None:
        """Draw the sky, and choose the sun and the waves."""
        self._sky = scene.sky(scene.palette.shapes[2], scene.palette.background)
        self._horizon = 0.56 if scene.has_text else 0.5
        self._sun = _Sun(self._sky, scene, self._horizon)
        self._heaves = scene.cycles(5)
        self._swells = [self._swell(scene, index) for index in range(self._SWELLS)]

    def _swell(self, scene: Scene, index: int) -> _Swell:
        """Return one line of waves; index 0 is the farthest."""
        palette, rng, depth = scene.palette, scene.rng, index / (self._SWELLS - 1)
        far, near = (
            (palette.shapes[0], palette.background) if palette.is_dark else (palette.shapes[3], palette.shapes[0])
        )
        period = 2 * round(scene.long * (0.22 + 0.36 * depth) / 2)
        tall = even(scene.height * (0.045 + 0.07 * depth))
        lean, phase = rng.uniform(0.12, 0.24), rng.random()

        def edge(x: float) -> float:
            at = x / period + phase
            return tall * (0.5 - 0.36 * swing(at + lean * swing(at) / 2) - 0.1 * swing(3 * at))

        ridge = _Ridge(even(scene.width + period + 8), tall, edge)
        way = scene.way(period / (scene.width * (0.03 + 0.04 * depth)))
        top = scene.height * (self._horizon + (0.92 - self._horizon) * depth**1.15)
        heave = scene.height * (0.004 + 0.012 * depth) * min(1.0, scene.seconds / 4)
        direction = 1 if index % 2 else -1
        return _Swell(ridge, between(far, near, depth).ink(), top, period, way, direction, heave, rng.random())

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.copy_from(self._sky)
        self._sun.paint(canvas, 0.0)
        for swell in self._swells:
            top = round(swell.top + swell.heave * swing(self._heaves * turn + swell.phase))
            view = swell.period * ((swell.direction * swell.way.at(turn)) % 1)
            canvas.stamp(swell.ridge.at(view, canvas.width), swell.ink, 0, top)
            canvas.rectangle(swell.ink, 0, top + swell.ridge.height, canvas.width, canvas.height)


@dataclass(frozen=True, slots=True)
class _World:
    glider: Glider
    ink: Ink
    reach: float
    way: Way
    direction: int
    phase: float


class Orbits:
    """Background of planets that circle a sun on visible orbits, in front of twinkling stars."""

    text_middle = 0.32
    _TILT = 0.42
    _GLINTS = 5

    def __init__(self, scene: Scene) -> None:
        """Draw the sky with the orbits, and choose planets and stars."""
        span = scene.short
        self._middle = (
            scene.width * scene.rng.choice((0.22, 0.5, 0.78)),
            scene.height * (0.72 if scene.has_text else 0.5),
        )
        self._sky = scene.sky(scene.palette.background, scene.palette.shapes[2])
        size = even(span * scene.rng.uniform(0.24, 0.36))
        self._sky.stamp_centred(stencils.glow(size * 4, size * 4, 0.75), scene.palette.shapes[0].ink(), *self._middle)
        line, self._worlds = scene.palette.shapes[3].ink(), []
        for index in range(5):
            reach = size * (0.95 + 0.62 * index)
            ring = stencils.ellipse(even(reach * 2), even(reach * 2 * self._TILT), 2)
            self._sky.stamp_centred(ring.faded(0.5), line, *self._middle)
            planet = Glider(stencils.disc(even(span * scene.rng.uniform(0.03, 0.075))))
            way, direction = scene.way(7 + 4 * index), scene.rng.choice((1, 1, 1, -1))
            self._worlds.append(
                _World(
                    planet,
                    scene.palette.shapes[index % 4].lighter(0.04).ink(),
                    reach,
                    way,
                    direction,
                    scene.rng.random(),
                )
            )
        self._sun, self._sun_ink = stencils.disc(size), scene.palette.shapes[3].ink()
        self._star_ink = scene.palette.text.ink() if scene.palette.is_dark else Colour(1, 0, 0).ink()
        self._stars = [
            (
                self._glints(scene.rng.choice((0.4, 0.4, 0.55, 0.8))),
                scene.rng.random() * scene.width,
                scene.rng.random() * scene.height,
                scene.cycles(scene.rng.uniform(2, 6)),
                scene.rng.random(),
            )
            for _ in range(90)
        ]

    @classmethod
    def _glints(cls, size: float) -> list[Stencil]:
        """Return a star at each of its brightnesses."""
        star = stencils.disc(8).scaled(size, size)
        return [star.faded((step + 1) / cls._GLINTS) for step in range(cls._GLINTS)]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.copy_from(self._sky)
        for glints, x, y, twinkles, phase in self._stars:
            glint = (1 + swing(twinkles * turn + phase)) / 2
            canvas.stamp(glints[min(self._GLINTS - 1, int(glint * self._GLINTS))], self._star_ink, x, y)
        for behind in (True, False):
            for world in self._worlds:
                angle = 2 * math.pi * (world.direction * world.way.at(turn) + world.phase)
                if (math.sin(angle) < 0) == behind:
                    x = self._middle[0] + world.reach * math.cos(angle)
                    y = self._middle[1] + world.reach * self._TILT * math.sin(angle)
                    world.glider.stamp(canvas, world.ink, x, y)
            if behind:
                canvas.stamp_centred(self._sun, self._sun_ink, *self._middle)
