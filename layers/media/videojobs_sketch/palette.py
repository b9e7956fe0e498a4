"""Colours and random numbers of a prompt; the same prompt always gets the same."""

import hashlib
import random
from dataclasses import dataclass

from videojobs_sketch.colour import Colour, legible_under, vivid
from videojobs_sketch.vocabulary import DARK, HUES, LIGHT, words_of


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that fit together; `text` is readable on `background` and on all of `shapes`."""

    background: Colour
    text: Colour
    shapes: tuple[Colour, ...]
    is_dark: bool

    def with_background(self, index: int) -> "Palette":
        """Return the palette with the colour at `index` of background and shapes as the background."""
        colours = (self.background, *self.shapes)
        index %= len(colours)
        return Palette(colours[index], self.text, colours[:index] + colours[index + 1 :], self.is_dark)


def rng_for(*seed: object) -> random.Random:
    """Return a random number generator; the same seed gives the same numbers on all machines."""
    digest = hashlib.sha256("\0".join(map(str, seed)).encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311 - not used for secrets


def make_palette(prompt: str, style: str, seed: int | None = None) -> Palette:
    """Return the palette of a prompt in a style (`fun`, or another), by its words that suggest colours, else at random.

    The same arguments give the same palette.
    """
    rng = rng_for("palette", prompt, *([] if seed is None else [seed]))
    words = words_of(prompt)
    named = [HUES[word] + rng.uniform(-6, 6) for word in words if word in HUES]
    hue = named[0] if named else rng.uniform(0, 360)
    second = next((other for other in named if abs(other - hue) > 25), None)
    dark = rng.random() < 0.5
    if any(word in LIGHT for word in words) or (not named and _is_muddy(hue)):
        dark = False
    if any(word in DARK for word in words):
        dark = True
    if style == "fun":
        return _fun(rng, hue, second, dark=dark)
    return _soft(rng, hue, second, dark=dark)


def _is_muddy(hue: float) -> bool:
    """Return whether a dark colour of this hue is brown or olive."""
    return 45 < hue % 360 < 140


def _deep(hue: float) -> float:
    """Return the hue for a dark colour: muddy hues are replaced by the nearest red or green."""
    hue %= 360
    if not _is_muddy(hue):
        return hue
    return 22 + (hue - 45) * 0.45 if hue < 100 else 162 - (140 - hue) * 0.45


def _fun(rng: random.Random, hue: float, second: float | None, *, dark: bool) -> Palette:
    turns = rng.choice(((38, 165, 255), (55, 190, 290), (120, 200, 320), (-45, 95, 180), (30, 150, 210)))
    others = [hue + turns[0] if second is None else second, hue + turns[1], hue + turns[2]]
    rng.shuffle(others)
    hues = [hue, *others]
    if dark:
        hues = [_deep(angle) for angle in hues]
        text = Colour(0.98, 0.02, (hue + 60) % 360)
        pale = Colour(0.24, 0.09, hues[0])
        colours = [Colour(0.34, 0.15, hues[0]), *(vivid(angle, 0.45, 0.58) for angle in hues[1:])]
    else:
        text = Colour(0.2, 0.06, (hue - 80) % 360)
        pale = Colour(0.97, 0.03, hue % 360)
        colours = [vivid(angle, 0.7, 0.88) for angle in hues]
    background, *shapes = (legible_under(colour, text) for colour in (*colours, pale))
    return Palette(background, text, tuple(shapes), dark)


def _soft(rng: random.Random, hue: float, second: float | None, *, dark: bool) -> Palette:
    spread = rng.choice((-70, -48, 42, 60, 84))
    opposite = rng.choice((150, 180, 205)) if rng.random() < 0.3 else None
    if dark:
        hue = _deep(hue)
        if _is_muddy(hue + spread) or _is_muddy(hue + spread / 2):
            spread = -spread
    other = hue + spread if second is None else second
    accent = other + spread / 2 if opposite is None else hue + opposite
    if dark:
        text = Colour(0.98, 0.015, hue % 360)
        looks = (
            (0.25, 0.09, hue),
            (0.43, 0.16, hue),
            (0.5, 0.17, other),
            (0.36, 0.14, hue + spread / 2),
            (0.58, 0.17, accent),
        )
    else:
        text = Colour(0.27, 0.07, hue % 360)
        looks = (
            (0.93, 0.05, hue),
            (0.83, 0.12, hue),
            (0.85, 0.12, other),
            (0.95, 0.04, other),
            (0.81, 0.13, accent if abs(accent - hue) < 120 else hue - spread / 2),
        )
    background, *shapes = (
        legible_under(Colour(lightness, chroma, (_deep(angle) if dark else angle) % 360), text)
        for lightness, chroma, angle in looks
    )
    return Palette(background, text, tuple(shapes), dark)
