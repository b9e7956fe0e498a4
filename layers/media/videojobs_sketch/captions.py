"""`calm`: lines of type that fade in and out over a quiet ground."""

import math
import random
from dataclasses import dataclass

from videojobs_sketch.backgrounds.choice import QUIET, choose_background
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.canvas import Canvas, Stencil
from videojobs_sketch.colour import Ink
from videojobs_sketch.easing import part, smooth
from videojobs_sketch.fonts import Face
from videojobs_sketch.palette import Palette
from videojobs_sketch.typesetting import Page, Setting, paginate, place
from videojobs_sketch.words import drawable_words

_WORDS_A_PAGE = 12
_SHORTEST_PAGE = 2.6
"""Seconds that a page of so many words needs at the least, to be read in peace."""
_LOOP = 30.0
"""Seconds that the ground has for its loop at the least: a short video shows a part of it, and is no less calm."""
_FULL_PAGE = 3.9
"""Seconds that a page needs when there are too many words, and each page has to take more."""


@dataclass(frozen=True, slots=True)
class _Fade:
    """A line of type, where it stands, and when it comes and goes (in seconds)."""

    stencil: Stencil
    left: int
    top: int
    comes: float
    goes: float


class Captions:
    """The whole of a `calm` sketch; `paint` draws any moment of it."""

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random, seconds: float) -> None:
        """Set the type, choose the ground, make the plan."""
        self._seconds = seconds
        self._loop = max(seconds, _LOOP)
        words = drawable_words(prompt, Face.BOOK)
        scene = Scene(canvas.width, canvas.height, palette, rng, self._loop, has_text=bool(words))
        self._background = choose_background(prompt, rng, QUIET)(scene)
        self._ink: Ink = palette.text.ink()
        self._rate = min(1.0, seconds / 4)
        short = min(canvas.width, canvas.height)
        setting = Setting(
            width=canvas.width * (0.74 if canvas.width > canvas.height else 0.82),
            height=canvas.height * 0.46,
            largest=round(short * 0.125),
            smallest=round(short * 0.062),
            most_lines=7,
            leading=1.32,
            space=0.25,
        )
        possible = max(1, math.floor(seconds / _SHORTEST_PAGE))
        if len(words) > possible * _WORDS_A_PAGE * 1.4:
            possible = max(1, math.floor(seconds / _FULL_PAGE))
        pages = paginate(words, min(possible, max(1, math.ceil(len(words) / _WORDS_A_PAGE))), setting)
        self._fades = [
            fade for index, page in enumerate(pages) for fade in self._plan(canvas, page, setting, index, len(pages))
        ]

    def _plan(self, canvas: Canvas, page: Page, setting: Setting, index: int, count: int) -> list[_Fade]:
        length = self._seconds / count
        goes = (index + 1) * length - 0.8 * self._rate if index + 1 < count else math.inf
        placed = place(page, setting, canvas.width / 2, canvas.height * self._background.text_middle)
        fades = []
        for number, baseline in enumerate(sorted({item.baseline for item in placed})):
            comes = index * length + (0.25 + 0.45 * number) * self._rate
            for item in placed:
                lettering = item.word.lettering(page.size)
                if item.baseline == baseline and lettering.stencil:
                    left, top = round(item.x) + lettering.left, round(baseline) + lettering.top
                    fades.append(_Fade(lettering.stencil, left, top, comes, goes))
        return fades

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """The frame at that time."""
        self._background.paint(canvas, (seconds / self._loop) % 1)
        for fade in self._fades:
            opacity = smooth(part(seconds, fade.comes, 1.3 * self._rate))
            opacity *= 1 - smooth(part(seconds, fade.goes, 0.8 * self._rate))
            if opacity >= 1:
                canvas.stamp(fade.stencil, self._ink, fade.left, fade.top)
            elif opacity > 0:
                canvas.stamp(fade.stencil.faded(opacity), self._ink, fade.left, fade.top)
