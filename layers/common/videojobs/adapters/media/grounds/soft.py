"""Quiet grounds: drifting light, and lights out of focus."""

from dataclasses import dataclass

from videojobs.adapters.media import stencils
from videojobs.adapters.media.canvas import Canvas, Glider
from videojobs.adapters.media.colour import Ink
from videojobs.adapters.media.easing import swing
from videojobs.adapters.media.grounds.stage import Stage, Way, even


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

    text_middle = 0.5
    _SHRINK = 4

    def __init__(self, stage: Stage) -> None:
        """Place the lights."""
        width, height = stage.width // self._SHRINK // 2 * 2, stage.height // self._SHRINK // 2 * 2
        self._small = Canvas(width, height)
        self._ground = stage.palette.ground.ink()
        span = max(width, height)
        base, slow = stage.cycles(16), min(1.0, stage.seconds / 10)
        self._lights = [
            _Light(
                Glider(stencils.glow(size := even(span * stage.dice.uniform(0.75, 1.25)), size, 0.95)),
                stage.palette.shapes[index % len(stage.palette.shapes)].ink(),
                width * stage.dice.uniform(0.05, 0.95),
                height * stage.dice.uniform(0.05, 0.95),
                slow * width * stage.dice.uniform(0.18, 0.38),
                slow * height * stage.dice.uniform(0.18, 0.38),
                base * stage.dice.choice((1, 1, -1)),
                base * stage.dice.choice((1, 1, -1, 2)),
                stage.dice.random(),
            )
            for index in range(6)
        ]

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn of the loop."""
        self._small.fill(self._ground)
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
    """Lights out of focus that rise past one another and glow up and down."""

    text_middle = 0.5
    _GLOWS = 6

    def __init__(self, stage: Stage) -> None:
        """Place the lights."""
        self._sky = stage.sky(stage.palette.ground, stage.palette.shapes[2])
        span = stage.short
        sizes = [even(span * share) for share in (0.1, 0.16, 0.24, 0.36)]
        gliders = {
            size: tuple(
                Glider(stencils.bokeh(size).faded(0.14 + 0.5 * step / self._GLOWS)) for step in range(self._GLOWS)
            )
            for size in sizes
        }
        count = 22 * stage.long // 1280
        self._spots = [
            _Spot(
                gliders[size := sizes[index % len(sizes)]],
                stage.dice.choice(stage.palette.shapes).lighter(0.03).ink(),
                stage.width * ((index + stage.dice.random()) / count),
                stage.dice.random(),
                stage.way(stage.dice.choice((26, 26, 13)) if size < sizes[2] else 26),
                stage.width * stage.dice.uniform(0.01, 0.04) * min(1.0, stage.seconds / 8),
                stage.cycles(stage.dice.uniform(4, 8)),
                stage.dice.random(),
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
            y = way * ((spot.y - spot.rise.at(turn)) % 1) - spot.size * 0.6
            x = spot.x + spot.drift * swing(turn + spot.phase)
            glow = (1 + swing(spot.twinkles * turn + spot.phase)) / 2
            spot.gliders[min(self._GLOWS - 1, int(glow * self._GLOWS))].stamp(canvas, spot.ink, x, y)
