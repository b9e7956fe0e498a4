"""Choice of the background for a prompt, by its words or at random."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from videojobs_sketch import vocabulary
from videojobs_sketch.backgrounds.lively import Bounce, Tumble
from videojobs_sketch.backgrounds.patterned import Dots, Rays, Tiles
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.backgrounds.scenic import Hills, Orbits, Sea
from videojobs_sketch.backgrounds.soft import Bokeh, Lights
from videojobs_sketch.canvas import Canvas


class Background(Protocol):
    """Animated loop. Text is centred vertically at `text_middle` (0 at the top, 1 at the bottom)."""

    text_middle: float

    def paint(self, canvas: Canvas, turn: float) -> None:
        """Draw the whole frame at a position (0 to 1) in the loop."""
        ...


type BackgroundMaker = Callable[[Scene], Background]

LIVELY: tuple[BackgroundMaker, ...] = (Bounce, Tumble, Rays, Dots, Tiles)
QUIET: tuple[BackgroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits)
ALONE: tuple[BackgroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits, Dots, Tiles)

_CALLED_FOR: dict[BackgroundMaker, frozenset[str]] = {
    Hills: vocabulary.HILLS,
    Sea: vocabulary.SEA,
    Orbits: vocabulary.SPACE,
    Bokeh: vocabulary.LIGHTS,
    Tumble: vocabulary.PARTY,
    Bounce: vocabulary.PLAY,
    Rays: vocabulary.TRIUMPH,
    Tiles: vocabulary.DESIGN,
}


def choose_background(prompt: str, rng: random.Random, among: Sequence[BackgroundMaker]) -> BackgroundMaker:
    """Return the first background in `among` that a word of the prompt selects, else a random background of `among`.

    `rng` is used in both cases.
    """
    fallback = rng.choice(among)
    for word in vocabulary.words_of(prompt):
        for background in among:
            if word in _CALLED_FOR.get(background, frozenset()):
                return background
    return fallback
