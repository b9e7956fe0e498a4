"""Lively backgrounds: bouncing balls, and paper shapes that fall and rotate."""

import random
from dataclasses import dataclass

from videojobs_sketch import stencils
from videojobs_sketch.backgrounds.scene import Scene, even
from videojobs_sketch.canvas import Canvas, Stencil
from videojobs_sketch.colour import Ink, between
from videojobs_sketch.easing import bounce, swing


class _Piece:
    """Shape with cached rotations and deformations.

    `symmetry` is the angle in degrees after which the shape looks the same; 0 if it never changes.
    """

    def __init__(self, stencil: Stencil, symmetry: float) -> None:
        self._stencil = stencil
        self._symmetry = symmetry
        self._turned: dict[int, Stencil] = {}
        self._squashed: dict[int, Stencil] = {}

    def turned(self, degrees: float) -> Stencil:
        """Return the shape rotated clockwise, rounded to 6 degrees."""
        step = round(degrees % self._symmetry / 6) if self._symmetry else 0
        if step not in self._turned:
            self._turned[step] = self._stencil.rotated(-step * 6) if step else self._stencil
        return self._turned[step]

    def squashed(self, height: float) -> Stencil:
        """Return the shape scaled to a relative height, with its width adjusted so that the area stays the same."""
        step = round(height * 24)
        if step not in self._squashed:
            self._squashed[step] = self._stencil if step == 24 else self._stencil.scaled(24 / step, step / 24)
        return self._squashed[step]


def _any_piece(rng: random.Random, size: int) -> _Piece:
    return rng.choice(
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
    """Background of balls that bounce on a floor, below falling shapes."""

    text_middle = 0.36

    def __init__(self, scene: Scene) -> None:
        """Choose size, colour, position and motion of the balls."""
        self._background, self._floor_ink = scene.palette.background.ink(), scene.palette.shapes[-1].ink()
        self._shadow = between(scene.palette.shapes[-1], scene.palette.text, 0.14).ink()
        self._floor = round(scene.height * 0.84 / 2) * 2
        span = scene.short
        count = 6 if scene.width > scene.height else 4
        self._balls = []
        for index in range(count):
            size = even(span * scene.rng.uniform(0.12, 0.26))
            self._balls.append(
                _Ball(
                    _Piece(stencils.disc(size), 0),
                    scene.palette.shapes[index % (len(scene.palette.shapes) - 1)].ink(),
                    size,
                    scene.width * (index + 0.5 + scene.rng.uniform(-0.2, 0.2)) / count,
                    scene.height * scene.rng.uniform(0.14, 0.3 if scene.has_text else 0.5),
                    scene.cycles(scene.rng.uniform(0.75, 1.1)),
                    scene.rng.random(),
                )
            )
        self._tumbling = Tumble(scene, count=7)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.fill(self._background)
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
    """Background of paper shapes that fall and rotate."""

    text_middle = 0.48

    def __init__(self, scene: Scene, count: int = 30) -> None:
        """Choose `count` shapes, which are smaller and paler behind text."""
        palette, rng = scene.palette, scene.rng
        self._background = palette.background.ink()
        self._margin = scene.short * 0.2
        large = [_any_piece(rng, even(scene.short * share)) for share in (0.1, 0.13, 0.17, 0.21)]
        small = [_any_piece(rng, even(scene.short * share)) for share in (0.035, 0.05, 0.065)]
        self._flakes = []
        for index in range(count):
            x = (index + rng.random()) / count
            behind = scene.has_text and 0.13 < x < 0.87
            colour = rng.choice(palette.shapes)
            flake = _Flake(
                rng.choice(small if behind else large + small),
                (between(palette.background, colour, 0.55) if behind else colour).ink(),
                scene.width * x,
                rng.random(),
                scene.cycles(rng.uniform(3.5, 6)),
                scene.cycles(rng.uniform(2, 4)) * rng.choice((1, -1)),
                scene.short * rng.uniform(0.02, 0.06),
                rng.random(),
            )
            self._flakes.append(flake)

    def scatter(self, canvas: Canvas, turn: float) -> None:
        """Draw the shapes on the canvas, without a background."""
        for flake in self._flakes:
            y = (canvas.height + 2 * self._margin) * ((flake.y + flake.laps * turn) % 1) - self._margin
            x = flake.x + flake.sway * swing(flake.laps * 2 * turn + flake.phase)
            canvas.stamp_centred(flake.piece.turned(360 * (flake.spins * turn + flake.phase)), flake.ink, x, y)

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        canvas.fill(self._background)
        self.scatter(canvas, turn)
