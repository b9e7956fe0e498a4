"""What every ground is given to build itself with, and what several of them share."""

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
    """The frame's size, the colours, the dice, the loop's length, and whether words will stand before the ground."""

    width: int
    height: int
    palette: Palette
    rng: random.Random
    seconds: float
    has_text: bool

    @property
    def short(self) -> int:
        """The shorter side, in pixels."""
        return min(self.width, self.height)

    @property
    def long(self) -> int:
        """The longer side, in pixels."""
        return max(self.width, self.height)

    def cycles(self, period: float) -> int:
        """How often something of about `period` seconds happens in the loop: a whole number, at least 1."""
        return max(1, round(self.seconds / period))

    def way(self, period: float) -> "Way":
        """How far something gets that takes about `period` seconds for one round, so that the loop closes.

        Where the loop is too short for a round, it goes a little way and comes back, no faster than otherwise.
        """
        return Way(round(self.seconds / period), self.seconds / (2 * math.pi * period))

    def sky(self, top: Colour, bottom: Colour) -> Canvas:
        """A frame that goes softly from one colour at the top to another towards the bottom."""
        sky = Canvas(self.width, self.height)
        sky.fill(top.ink())
        ramp = Image.linear_gradient("L").resize((self.width, int(self.height * 0.8)), Image.Resampling.BICUBIC)
        sky.stamp(Stencil.of(ramp), bottom.ink(), 0, 0)
        sky.rectangle(bottom.ink(), 0, ramp.height, self.width, self.height)
        return sky


@dataclass(frozen=True, slots=True)
class Way:
    """Whole rounds, or `reach` of one to either side."""

    rounds: int
    reach: float

    def at(self, turn: float) -> float:
        """The rounds done at that turn of the loop."""
        return self.rounds * turn if self.rounds else self.reach * swing(turn)


def even(size: float) -> int:
    """The next smaller even number of pixels, at least 2: half of it is whole."""
    return max(2, int(size) // 2 * 2)
