"""Parameters that all backgrounds are built from, and shared functions."""

import math
import random
from dataclasses import dataclass

from PIL import Image

from videojobs_sketch.canvas import Canvas, Stencil
from videojobs_sketch.colour import Colour
from videojobs_sketch.easing import swing
from videojobs_sketch.palette import Palette


@dataclass(frozen=True, slots=True)
class Scene:
    """Frame size in pixels, colours, random numbers, loop duration in seconds, and whether text is drawn on top."""

    width: int
    height: int
    palette: Palette
    rng: random.Random
    seconds: float
    has_text: bool

    @property
    def short(self) -> int:
        """Return the shorter side of the frame in pixels."""
        return min(self.width, self.height)

    @property
    def long(self) -> int:
        """Return the longer side of the frame in pixels."""
        return max(self.width, self.height)

    def cycles(self, period: float) -> int:
        """Return how often a motion of about `period` seconds repeats in the loop: a whole number, at least 1."""
        return max(1, round(self.seconds / period))

    def way(self, period: float) -> "Way":
        """Return the motion of an object that takes about `period` seconds per round, so that the loop is seamless.

        If the loop is too short for a whole round, the object swings back and forth at about the same speed.
        """
        return Way(round(self.seconds / period), self.seconds / (2 * math.pi * period))

    def sky(self, top: Colour, bottom: Colour) -> Canvas:
        """Return a frame with a vertical gradient, which reaches the colour `bottom` at 80 % of the height."""
        sky = Canvas(self.width, self.height)
        sky.fill(top.ink())
        ramp = Image.linear_gradient("L").resize((self.width, int(self.height * 0.8)), Image.Resampling.BICUBIC)
        sky.stamp(Stencil.of(ramp), bottom.ink(), 0, 0)
        sky.rectangle(bottom.ink(), 0, ramp.height, self.width, self.height)
        return sky


@dataclass(frozen=True, slots=True)
class Way:
    """Motion of whole `rounds` per loop, or, if there are none, a swing by `reach` rounds to each side."""

    rounds: int
    reach: float

    def at(self, turn: float) -> float:
        """Return the completed rounds at a position (0 to 1) in the loop."""
        return self.rounds * turn if self.rounds else self.reach * swing(turn)


def even(size: float) -> int:
    """Return the size rounded down to an even number of pixels, at least 2, as half-size planes require."""
    return max(2, int(size) // 2 * 2)
