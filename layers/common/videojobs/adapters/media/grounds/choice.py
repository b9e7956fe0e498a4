"""Which ground a prompt gets: one that its words call for, or else whatever the dice say."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from videojobs.adapters.media.canvas import Canvas
from videojobs.adapters.media.grounds.lively import Bounce, Tumble
from videojobs.adapters.media.grounds.patterned import Dots, Rays, Tiles
from videojobs.adapters.media.grounds.scenic import Hills, Orbits, Sea
from videojobs.adapters.media.grounds.soft import Bokeh, Lights
from videojobs.adapters.media.grounds.stage import Stage
from videojobs.adapters.media.palette import words_of


class Ground(Protocol):
    """A picture that moves in a loop; words before it stand best around `text_middle` (0 the top, 1 the bottom)."""

    text_middle: float

    def paint(self, canvas: Canvas, turn: float) -> None:
        """The whole frame at that turn (0–1) of the loop."""
        ...


type GroundMaker = Callable[[Stage], Ground]

LIVELY: tuple[GroundMaker, ...] = (Bounce, Tumble, Rays, Dots)
QUIET: tuple[GroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits)
ALONE: tuple[GroundMaker, ...] = (Lights, Bokeh, Hills, Sea, Orbits, Dots, Tiles)

_CALLED_FOR: dict[GroundMaker, frozenset[str]] = {
    Hills: frozenset(
        [
            "mountain",
            "mountains",
            "hill",
            "hills",
            "forest",
            "valley",
            "desert",
            "field",
            "fields",
            "meadow",
            "countryside",
            "sunset",
            "sunrise",
            "autumn",
            "farm",
            "jungle",
            "savanna",
            "landscape",
            "horizon",
            "berg",
            "berge",
            "montagne",
            "montaña",
            "bosque",
            "wald",
        ]
    ),
    Sea: frozenset(
        [
            "sea",
            "ocean",
            "wave",
            "waves",
            "beach",
            "river",
            "lake",
            "water",
            "boat",
            "ship",
            "sail",
            "coast",
            "island",
            "surf",
            "tide",
            "harbour",
            "harbor",
            "mar",
            "meer",
            "mer",
            "playa",
            "strand",
            "plage",
        ]
    ),
    Orbits: frozenset(
        [
            "space",
            "star",
            "stars",
            "planet",
            "planets",
            "galaxy",
            "galaxies",
            "moon",
            "orbit",
            "rocket",
            "astronaut",
            "universe",
            "cosmos",
            "cosmic",
            "satellite",
            "comet",
            "atom",
            "science",
            "espacio",
            "luna",
            "mond",
            "sterne",
            "lune",
            "étoiles",
        ]
    ),
    Bokeh: frozenset(
        [
            "city",
            "lights",
            "neon",
            "rain",
            "rainy",
            "party",
            "birthday",
            "christmas",
            "candle",
            "candles",
            "snow",
            "snowfall",
            "wedding",
            "festival",
            "jazz",
            "street",
            "fireflies",
            "bubbles",
            "ciudad",
            "stadt",
            "ville",
        ]
    ),
    Tumble: frozenset(
        ["party", "birthday", "confetti", "celebrate", "celebration", "congratulations", "wedding", "carnival", "snow"]
    ),
    Bounce: frozenset(
        [
            "ball",
            "balls",
            "jump",
            "jumps",
            "jumping",
            "bounce",
            "play",
            "game",
            "football",
            "basketball",
            "tennis",
            "dance",
            "dances",
        ]
    ),
    Rays: frozenset(["sun", "sunny", "summer", "new", "wow", "sale", "win", "winner", "launch", "power", "superhero"]),
    Tiles: frozenset(
        ["pattern", "geometric", "abstract", "mosaic", "modern", "design", "architecture", "office", "business"]
    ),
}


def choose_ground(prompt: str, dice: random.Random, among: Sequence[GroundMaker]) -> GroundMaker:
    """One of them: the first that a word of the prompt calls for, or any."""
    fallback = dice.choice(among)
    for word in words_of(prompt):
        for ground in among:
            if word in _CALLED_FOR.get(ground, frozenset()):
                return ground
    return fallback
