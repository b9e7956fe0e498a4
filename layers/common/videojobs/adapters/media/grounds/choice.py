"""Which ground a prompt gets: one that its words call for, or else whatever the dice say."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from videojobs.adapters.media import vocabulary
from videojobs.adapters.media.canvas import Canvas
from videojobs.adapters.media.grounds.lively import Bounce, Tumble
from videojobs.adapters.media.grounds.patterned import Dots, Rays, Tiles
from videojobs.adapters.media.grounds.scenic import Hills, Orbits, Sea
from videojobs.adapters.media.grounds.soft import Bokeh, Lights
from videojobs.adapters.media.grounds.stage import Stage


class Ground(Protocol):
    """A picture that moves in a loop; words before it stand best around `text_middle` (0 the top, 1 the bottom)."""

    text_middle: float

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn (0–1) of the loop."""
        ...


type GroundMaker = Callable[[Stage], Ground]

LIVELY: tuple[GroundMaker, ...] = (Bounce, Tumble, Rays, Dots, Tiles)
QUIET: tuple[GroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits)
ALONE: tuple[GroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits, Dots, Tiles)

_CALLED_FOR: dict[GroundMaker, frozenset[str]] = {
    Hills: vocabulary.HILLS,
    Sea: vocabulary.SEA,
    Orbits: vocabulary.SPACE,
    Bokeh: vocabulary.LIGHTS,
    Tumble: vocabulary.PARTY,
    Bounce: vocabulary.PLAY,
    Rays: vocabulary.TRIUMPH,
    Tiles: vocabulary.DESIGN,
}


def choose_ground(prompt: str, dice: random.Random, among: Sequence[GroundMaker]) -> GroundMaker:
    """One of them: the first that a word of the prompt calls for, or any."""
    fallback = dice.choice(among)
    for word in vocabulary.words_of(prompt):
        for ground in among:
            if word in _CALLED_FOR.get(ground, frozenset()):
                return ground
    return fallback
