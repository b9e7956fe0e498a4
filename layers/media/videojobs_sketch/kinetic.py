"""Animation of the style `fun`: words appear one by one, on pages with different background colours."""

import math
import random
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from videojobs_sketch import stencils
from videojobs_sketch.backgrounds.choice import LIVELY, Background, choose_background
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.canvas import Canvas, Stencil
from videojobs_sketch.colour import Ink
from videojobs_sketch.easing import overshoot, part, smooth
from videojobs_sketch.fonts import Face
from videojobs_sketch.palette import Palette, rng_for
from videojobs_sketch.typesetting import Page, Setting, fit, paginate, place, representative
from videojobs_sketch.words import Fragment, Word, drawable_words

_WORDS_A_PAGE = 5
_SHORTEST_PAGE = 1.15
"""Minimum time in seconds for a page of `_WORDS_A_PAGE` words."""
_FULL_PAGE = 1.9
"""Minimum time in seconds for a page with more words, which is used if the prompt is long."""
_SWEEP = 0.5
_POP = 0.36
_LOOP = 12.0
"""Minimum duration of a background's loop in seconds; a shorter video shows a part of it."""
_PLATE_PADDING = 0.17
"""Horizontal padding of a word on a plate, in ems."""


@dataclass(frozen=True, slots=True)
class _Pop:
    """One word on its page, which grows from its centre.

    `plate` is the shape behind the word, or None. `x` and `y` are the centre; `left` and `top` are the position of the
    stencil relative to it. `at` is when the word appears, in seconds after the page.
    """

    stencil: Stencil
    plate: Stencil | None
    x: float
    y: float
    left: float
    top: float
    at: float

    def stamp(self, canvas: Canvas, scale: float, text: Ink, plate_text: Ink) -> None:
        """Draw the word and its plate, scaled around the centre."""
        if self.plate:
            plate = self.plate if scale == 1 else self.plate.scaled(scale, scale)
            canvas.stamp_centred(plate, text, self.x, self.y)
        stencil = self.stencil if scale == 1 else self.stencil.scaled(scale, scale)
        ink = plate_text if self.plate else text
        canvas.stamp(stencil, ink, self.x + self.left * scale, self.y + self.top * scale)


@dataclass(frozen=True, slots=True)
class _Scene:
    background: Background
    text: Ink
    plate_text: Ink
    pops: tuple[_Pop, ...]


class Kinetic:
    """Animation of the style `fun`. Frames can be drawn in any order, and fastest in sequence.

    `best_moment`: the time in seconds until which the page with the most text is complete.
    """

    def __init__(self, canvas: Canvas, prompt: str, palette: Palette, rng: random.Random, seconds: float) -> None:
        """Arrange the words of the prompt on pages and choose the pages' backgrounds."""
        self._loop, self._palette = max(seconds, _LOOP), palette
        self._setting = Setting(
            width=canvas.width * 0.8,
            height=canvas.height * 0.62,
            largest=round(min(canvas.width, canvas.height) * 0.34),
            smallest=round(min(canvas.width, canvas.height) * 0.088),
            most_lines=6,
            leading=1.2,
            space=0.24,
        )
        words = drawable_words(prompt, Face.DISPLAY, self._setting.widest)
        possible = max(1, math.floor(seconds / _SHORTEST_PAGE))
        if len(words) > possible * _WORDS_A_PAGE * 1.4:
            possible = max(1, math.floor(seconds / _FULL_PAGE))
        wished = max(1, math.ceil(len(words) / _WORDS_A_PAGE), round(seconds / 3.2))
        self._pages = paginate(words, min(possible, wished), self._setting)
        self._count = len(self._pages) or min(wished, possible)
        self._length = seconds / self._count
        shown = representative(self._pages) + 1 if self._pages else self._count
        self.best_moment = shown * self._length - (_SWEEP if shown < self._count else 0.0)
        self._kinds = [choose_background(prompt, rng, LIVELY)] * self._count
        if rng.random() < 0.5:
            self._kinds[1:] = [rng.choice(LIVELY) for _ in self._kinds[1:]]
        self._seed = rng.random()
        self._scenes: dict[int, _Scene] = {}
        self._next = Canvas(canvas.width, canvas.height)
        self._sweep = _Sweep(canvas, palette.text.ink())

    def paint(self, canvas: Canvas, seconds: float) -> None:
        """Draw the whole frame at a time in seconds."""
        index = min(self._count - 1, int(seconds / self._length + 1e-9))
        self._paint_scene(canvas, index, seconds)
        gone = part(seconds, (index + 1) * self._length - _SWEEP, _SWEEP)
        if gone > 0 and index + 1 < self._count:
            self._paint_scene(self._next, index + 1, seconds)
            self._sweep.paint(canvas, self._next, smooth(gone))

    def _paint_scene(self, canvas: Canvas, index: int, seconds: float) -> None:
        # Only the current and the previous scene are kept, so that a long video needs no more memory.
        if index not in self._scenes:
            self._scenes = {number: scene for number, scene in self._scenes.items() if number == index - 1}
            self._scenes[index] = self._scene(canvas, index)
        scene = self._scenes[index]
        scene.background.paint(canvas, (seconds / self._loop) % 1)
        for pop in scene.pops:
            grown = part(seconds, index * self._length + pop.at, _POP)
            if grown > 0:
                pop.stamp(canvas, overshoot(grown), scene.text, scene.plate_text)

    def _scene(self, canvas: Canvas, index: int) -> _Scene:
        colours = self._palette.with_background(index % max(1, len(self._palette.shapes)))
        rng = rng_for(self._seed, index)
        scene = Scene(canvas.width, canvas.height, colours, rng, self._loop, has_text=bool(self._pages))
        background = self._kinds[index](scene)
        pops: tuple[_Pop, ...] = ()
        if self._pages:
            middle = canvas.width / 2, canvas.height * background.text_middle
            pops = _pops(self._pages[index], self._setting, *middle, self._length)
        return _Scene(background, colours.text.ink(), colours.background.ink(), pops)


def _pops(page: Page, setting: Setting, x: float, y: float, length: float) -> tuple[_Pop, ...]:
    words = [word for line in page.lines for word in line.words]
    candidates = [word for word in words if _can_lead(word)] if len(words) > 1 else []
    plated: Fragment | None = None
    if candidates:
        lead = max(candidates, key=lambda word: word.width)
        plated = replace(lead.fragments[0], width=lead.width + 2 * _PLATE_PADDING)
        padded = replace(lead, fragments=(plated,))
        page = fit([padded if word is lead else word for word in words], replace(setting, smallest=1)) or page
    placed = place(page, setting, x, y)
    gap = min(0.2, 0.45 * length / len(words))
    pops = []
    for item in sorted(placed, key=lambda item: item.order):
        lettering = item.fragment.lettering(page.size)
        if lettering.stencil is None:
            continue
        plate, pad = None, 0.0
        if item.fragment is plated:
            wide, pad = plated.width * page.size, _PLATE_PADDING * page.size
            plate = stencils.pill(int(wide) // 2 * 2, int(1.12 * page.size) // 2 * 2, round(page.size * 0.24))
        middle = item.x + item.fragment.width * page.size / 2, item.baseline - 0.31 * page.size
        left, top = item.x + pad + lettering.left - middle[0], item.baseline + lettering.top - middle[1]
        pops.append(_Pop(lettering.stencil, plate, *middle, left, top, 0.04 + gap * item.order))
    return tuple(pops)


def _can_lead(word: Word) -> bool:
    """Return whether a word can be highlighted: it is whole, has one direction, and is not a function word."""
    return len(word.fragments) == 1 and not word.is_cut and not word.leads_on


class _Sweep:
    """Transition to the next page: a slanted edge with a stripe moves in from the left."""

    def __init__(self, canvas: Canvas, stripe: Ink) -> None:
        self._stripe = stripe
        self._slant = round(canvas.height * 0.22) // 2 * 2
        self._stripe_width = round(canvas.width * 0.05)
        height = canvas.height
        edge = Image.new("L", (self._slant * 2, height * 2))
        ImageDraw.Draw(edge).polygon([(0, 0), (self._slant * 2, 0), (0, height * 2)], fill=255)
        self._edge = Stencil.of(edge.reduce(2))

    def paint(self, canvas: Canvas, following: Canvas, gone: float) -> None:
        """Draw the transition at a position from 0 to 1: `following` left of the edge, `canvas` right of it."""
        way = canvas.width + self._slant + self._stripe_width
        front = 2 * round(way * gone / 2) - self._slant
        stripe = self._mask(canvas, front)
        canvas.stamp(stripe, self._stripe, 0, 0)
        canvas.copy_through(following, self._mask(canvas, front - self._stripe_width))

    def _mask(self, canvas: Canvas, front: int) -> Stencil:
        front = front // 2 * 2
        stencil = Stencil(Image.new("L", canvas.luma.size), Image.new("L", canvas.blue.size))
        if front > 0:
            stencil.mask.paste(255, (0, 0, front, canvas.height))
            stencil.half.paste(255, (0, 0, front // 2, canvas.height // 2))
        stencil.mask.paste(self._edge.mask, (front, 0))
        stencil.half.paste(self._edge.half, (front // 2, 0))
        return stencil
