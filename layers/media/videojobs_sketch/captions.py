"""Animation of the style `calm`: lines of text fade in and out over a quiet background."""

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
from videojobs_sketch.typesetting import Page, Setting, paginate, place, representative
from videojobs_sketch.words import drawable_words

_WORDS_A_PAGE = 12
_SHORTEST_PAGE = 2.6
"""Minimum time in seconds to read a page of `_WORDS_A_PAGE` words."""
_LOOP = 30.0
"""Minimum duration of the background's loop in seconds; a shorter video shows a part of it, at the same speed."""
_FULL_PAGE = 3.9
"""Minimum time in seconds for a page with more words, which is used if the prompt is long."""

_FIRST_LINE, _NEXT_LINE, _APPEARS, _LEAVES = 0.25, 0.45, 1.3, 0.8
"""When the first line of a page begins to appear, how much later each next line, and how long lines appear and leave.

In seconds of a long video with few lines; a short one is faster.
"""


@dataclass(frozen=True, slots=True)
class _Fade:
    """Part of a word with its position in pixels, and in seconds when and how long it fades in, and when it leaves."""

    stencil: Stencil
    left: int
    top: int
    comes: float
    takes: float
    goes: float


class Captions:
    """Animation of the style `calm`. Frames can be drawn in any order.

    `best_moment`: the time in seconds until which the page with the most text is complete.
    """

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random, seconds: float) -> None:
        """Arrange the words of the prompt on pages, choose the background and schedule the lines."""
        self._seconds = seconds
        self._loop = max(seconds, _LOOP)
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
        words = drawable_words(prompt, Face.BOOK, setting.widest)
        scene = Scene(canvas.width, canvas.height, palette, rng, self._loop, has_text=bool(words))
        self._background = choose_background(prompt, rng, QUIET)(scene)
        possible = max(1, math.floor(seconds / _SHORTEST_PAGE))
        if len(words) > possible * _WORDS_A_PAGE * 1.4:
            possible = max(1, math.floor(seconds / _FULL_PAGE))
        pages = paginate(words, min(possible, max(1, math.ceil(len(words) / _WORDS_A_PAGE))), setting)
        shown = representative(pages) + 1 if pages else 0
        self.best_moment = seconds if shown == len(pages) else shown * seconds / len(pages) - _LEAVES * self._rate
        self._fades = [
            fade for index, page in enumerate(pages) for fade in self._plan(canvas, page, setting, index, len(pages))
        ]

    def _plan(self, canvas: Canvas, page: Page, setting: Setting, index: int, count: int) -> list[_Fade]:
        length = self._seconds / count
        goes = (index + 1) * length - _LEAVES * self._rate if index + 1 < count else math.inf
        placed = place(page, setting, canvas.width / 2, canvas.height * self._background.text_middle)
        fades = []
        # All lines are visible for at least a quarter of the time until the page leaves.
        appears = _FIRST_LINE + _NEXT_LINE * (len(page.lines) - 1) + _APPEARS
        pace = min(self._rate, 0.75 * (length - _LEAVES * self._rate) / appears)
        for number, baseline in enumerate(sorted({item.baseline for item in placed})):
            comes = index * length + (_FIRST_LINE + _NEXT_LINE * number) * pace
            for item in placed:
                lettering = item.fragment.lettering(page.size)
                if item.baseline == baseline and lettering.stencil:
                    left, top = round(item.x) + lettering.left, round(baseline) + lettering.top
                    fades.append(_Fade(lettering.stencil, left, top, comes, _APPEARS * pace, goes))
        return fades

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """Draw the whole frame at a time in seconds."""
        self._background.paint(canvas, (seconds / self._loop) % 1)
        for fade in self._fades:
            opacity = smooth(part(seconds, fade.comes, fade.takes))
            opacity *= 1 - smooth(part(seconds, fade.goes, _LEAVES * self._rate))
            if opacity >= 1:
                canvas.stamp(fade.stencil, self._ink, fade.left, fade.top)
            elif opacity > 0:
                canvas.stamp(fade.stencil.faded(opacity), self._ink, fade.left, fade.top)
