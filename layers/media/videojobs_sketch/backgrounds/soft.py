"""Quiet backgrounds: drifting lights, and lights out of focus."""

from dataclasses import dataclass

from videojobs_sketch import stencils
from videojobs_sketch.backgrounds.scene import Scene, Way, even
from videojobs_sketch.canvas import Canvas, Glider
from videojobs_sketch.colour import Ink
from videojobs_sketch.easing import swing


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
    """Background of large soft lights that drift, drawn at a quarter of the size and scaled up."""

    text_middle = 0.5
    _SHRINK = 4

    def __init__(self, scene: Scene) -> None:
        """Choose size, colour, position and motion of the lights."""
        width, height = scene.width // self._SHRINK // 2 * 2, scene.height // self._SHRINK // 2 * 2
        self._small = Canvas(width, height)
        self._background = scene.palette.background.ink()
        span = max(width, height)
        base, slow = scene.cycles(16), min(1.0, scene.seconds / 10)
        self._lights = [
            _Light(
                Glider(stencils.glow(size := even(span * scene.rng.uniform(0.75, 1.25)), size, 0.95)),
                scene.palette.shapes[index % len(scene.palette.shapes)].ink(),
                width * scene.rng.uniform(0.05, 0.95),
                height * scene.rng.uniform(0.05, 0.95),
                slow * width * scene.rng.uniform(0.18, 0.38),
                slow * height * scene.rng.uniform(0.18, 0.38),
                base * scene.rng.choice((1, 1, -1)),
                base * scene.rng.choice((1, 1, -1, 2)),
                scene.rng.random(),
            )
            for index in range(6)
        ]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        self._small.fill(self._background)
        for light in self._lights:
            x = light.x + light.reach_x * swing(light.turns_x * turn + light.phase)
            y = light.y + light.reach_y * swing(light.turns_y * turn + light.phase * 1.7)
            light.glider.stamp(self._small, light.ink, x, y)
        canvas.stretch_from(self._small)


@dataclass(frozen=True, slots=True)
class _Spot:
    gliders: tuple[Glider, ...]
    ink: Ink
    x: float
    y: float
    rise: Way
    drift: float
    twinkles: int
    phase: float
    size: int


class Bokeh:
    """Background of lights out of focus that rise and change their brightness."""

    text_middle = 0.5
    _GLOWS = 6

    def __init__(self, scene: Scene) -> None:
        """Choose size, colour, position and motion of the lights."""
        self._sky = scene.sky(scene.palette.background, scene.palette.shapes[2])
        span = scene.short
        sizes = [even(span * share) for share in (0.1, 0.16, 0.24, 0.36)]
        gliders = {
            size: tuple(
                Glider(stencils.bokeh(size).faded(0.14 + 0.5 * step / self._GLOWS)) for step in range(self._GLOWS)
            )
            for size in sizes
        }
        count = 22 * scene.long // 1280
        self._spots = [
            _Spot(
                gliders[size := sizes[index % len(sizes)]],
                scene.rng.choice(scene.palette.shapes).lighter(0.03).ink(),
                scene.width * ((index + scene.rng.random()) / count),
                scene.rng.random(),
                scene.way(scene.rng.choice((26, 26, 13)) if size < sizes[2] else 26),
                scene.width * scene.rng.uniform(0.01, 0.04) * min(1.0, scene.seconds / 8),
                scene.cycles(scene.rng.uniform(4, 8)),
                scene.rng.random(),
                size,
            )
            for index in range(count)
        ]
        self._spots.sort(key=lambda spot: -spot.size)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.copy_from(self._sky)
        for spot in self._spots:
            way = canvas.height + spot.size * 1.2
            y = way * ((spot.y - spot.rise.at(turn)) % 1) - spot.size * 0.6
            x = spot.x + spot.drift * swing(turn + spot.phase)
            glow = (1 + swing(spot.twinkles * turn + spot.phase)) / 2
            spot.gliders[min(self._GLOWS - 1, int(glow * self._GLOWS))].stamp(canvas, spot.ink, x, y)
