"""From a prompt to its colours and its dice: the same prompt always throws the same, no two prompts alike."""

import hashlib
import random
import re
from dataclasses import dataclass

from videojobs.adapters.media.colour import Colour, legible_under
from videojobs.domain.job import Style

_HUES: dict[str, float] = {
    "red": 25, "crimson": 20, "ruby": 15, "cherry": 18, "fire": 40, "flame": 40, "lava": 32, "love": 10, "heart": 12,
    "rose": 5, "pink": 355, "flamingo": 2, "coral": 32, "salmon": 35, "orange": 55, "pumpkin": 55, "autumn": 52,
    "desert": 68, "sand": 80, "sunset": 45, "sunrise": 60, "dawn": 40, "dusk": 320, "brown": 60, "coffee": 62,
    "chocolate": 55, "wood": 65, "gold": 88, "golden": 85, "honey": 82, "amber": 75, "yellow": 100, "sun": 92,
    "sunny": 95, "summer": 90, "lemon": 108, "banana": 102, "lime": 125, "spring": 130, "grass": 138, "green": 145,
    "forest": 150, "jungle": 148, "tree": 145, "trees": 145, "leaf": 140, "leaves": 140, "garden": 142, "meadow": 135,
    "emerald": 160, "mint": 170, "teal": 190, "turquoise": 195, "cyan": 205, "aqua": 205, "sea": 225, "ocean": 232,
    "water": 230, "river": 228, "lake": 228, "wave": 232, "waves": 232, "rain": 240, "ice": 220, "snow": 225,
    "winter": 235, "sky": 240, "blue": 258, "navy": 265, "night": 278, "midnight": 278, "space": 285, "galaxy": 300,
    "indigo": 280, "violet": 300, "purple": 305, "lavender": 300, "lilac": 310, "magenta": 330, "neon": 335, "berry": 350,
    "rojo": 25, "verde": 145, "azul": 258, "amarillo": 100, "mar": 230, "noche": 278, "rouge": 25, "vert": 145,
    "bleu": 258, "jaune": 100, "nuit": 278, "forêt": 150, "rot": 25, "grün": 145, "blau": 258, "gelb": 100,
    "meer": 230, "wald": 150, "nacht": 278, "himmel": 240,
}  # fmt: skip
"""Words that have a colour, with its hue in OKLCH."""

_DARK_WORDS = frozenset({"night", "midnight", "dark", "black", "space", "star", "stars", "galaxy", "moon", "neon", "dusk",
                         "noche", "nuit", "nacht", "universe", "cosmic", "cosmos", "shadow", "sleep"})  # fmt: skip
_LIGHT_WORDS = frozenset({"morning", "snow", "white", "light", "bright", "day", "cloud", "clouds", "dawn", "sunrise",
                          "spring", "summer", "cream", "paper", "winter", "ice", "sunny"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together. `text` can be read on `ground` and on every one of `shapes`."""

    ground: Colour
    text: Colour
    shapes: tuple[Colour, ...]
    is_dark: bool

    def regrounded(self, index: int) -> "Palette":
        """The same colours with another one as the ground; at index 0 this very palette."""
        colours = (self.ground, *self.shapes)
        index %= len(colours)
        return Palette(colours[index], self.text, colours[:index] + colours[index + 1 :], self.is_dark)


def words_of(prompt: str) -> list[str]:
    """The prompt's words in lower case, without punctuation."""
    return re.findall(r"\w+", prompt.casefold())


def dice_for(*seed: object) -> random.Random:
    """Dice that always fall alike for the same seed."""
    digest = hashlib.sha256("\0".join(map(str, seed)).encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - for looks, not for secrets


def make_palette(prompt: str, style: Style) -> Palette:
    """The colours of a prompt in a style: words that have a colour decide, otherwise the dice."""
    dice = dice_for("palette", prompt)
    words = words_of(prompt)
    named = [_HUES[word] for word in words if word in _HUES]
    hue = named[0] + dice.uniform(-6, 6) if named else dice.uniform(0, 360)
    second = named[1] + dice.uniform(-6, 6) if len(named) > 1 else None
    dark = dice.random() < 0.5
    if any(word in _LIGHT_WORDS for word in words):
        dark = False
    if any(word in _DARK_WORDS for word in words):
        dark = True
    if style is Style.FUN:
        return _fun(dice, hue, second, dark=dark)
    return _soft(dice, hue, second, dark=dark)


def _fun(dice: random.Random, hue: float, second: float | None, *, dark: bool) -> Palette:
    turns = dice.choice(((38, 165, 255), (55, 190, 290), (120, 200, 320), (-45, 95, 180), (30, 150, 210)))
    hues = [hue, second if second is not None else hue + turns[0], hue + turns[1], hue + turns[2]]
    dice.shuffle(turned := hues[1:])
    if dark:
        text = Colour(0.975, 0.02, hue + 60)
        lightness = [0.33, 0.52, 0.47, 0.55]
        chroma = [0.13, 0.21, 0.19, 0.2]
    else:
        text = Colour(0.2, 0.06, hue - 80)
        lightness = [0.86, 0.76, 0.82, 0.72]
        chroma = [0.15, 0.19, 0.16, 0.2]
    colours = [
        legible_under(Colour(light, strong, angle % 360), text)
        for light, strong, angle in zip(lightness, chroma, [hue, *turned], strict=True)
    ]
    pale = Colour(0.25, 0.09, hue) if dark else Colour(0.965, 0.025, hue)
    return Palette(colours[0], text, (*colours[1:], legible_under(pale, text)), dark)


def _soft(dice: random.Random, hue: float, second: float | None, *, dark: bool) -> Palette:
    spread = dice.choice((-70, -48, 42, 60, 84))
    other = second if second is not None else hue + spread
    accent = hue + dice.choice((150, 180, 205)) if dice.random() < 0.4 else other + spread / 2
    if dark:
        text = Colour(0.975, 0.015, hue)
        looks = (
            (0.27, 0.09, hue),
            (0.42, 0.15, hue),
            (0.5, 0.16, other),
            (0.36, 0.13, hue - spread / 2),
            (0.55, 0.15, accent),
        )
    else:
        text = Colour(0.26, 0.06, hue)
        looks = ((0.93, 0.04, hue), (0.84, 0.10, hue), (0.86, 0.10, other), (0.95, 0.035, other), (0.82, 0.12, accent))
    colours = [legible_under(Colour(light, strong, angle % 360), text) for light, strong, angle in looks]
    return Palette(colours[0], text, tuple(colours[1:]), dark)
