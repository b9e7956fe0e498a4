"""Arrangement of words in lines and pages that fit a box, and the position of each word in the frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from videojobs_sketch.bidi import visual_order
from videojobs_sketch.words import Fragment, Word, ellipsis

_NEARLY = 0.6
"""Share of the text of the fullest page from which an earlier page is preferred, because it names the subject."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words of a line in reading order, and the width of the line in ems, including spaces and a hyphen at its end."""

    words: tuple[Word, ...]
    width: float

    @classmethod
    def of(cls, words: Sequence[Word], space: float) -> Self:
        """Return the line with these words."""
        spaces = sum(not word.glued for word in words[1:])
        hyphen = words[-1].hyphen
        return cls(tuple(words), sum(word.width for word in words) + spaces * space + (hyphen.width if hyphen else 0.0))


@dataclass(frozen=True, slots=True)
class Placed:
    """Part of a word with the left end of its baseline in pixels; `order` is the index of the word on the page."""

    fragment: Fragment
    x: float
    baseline: float
    order: int


@dataclass(frozen=True, slots=True)
class Setting:
    """Limits of a text block.

    `width` and `height` are the box in pixels, `largest` and `smallest` the text size in pixels per em, `leading` the
    distance of lines in ems, and `space` the width of a space in ems.
    """

    width: float
    height: float
    largest: int
    smallest: int
    most_lines: int
    leading: float
    space: float = 0.26

    @property
    def widest(self) -> float:
        """Return the width in ems of the box at the smallest text size."""
        return self.width / self.smallest


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of a page and their text size in pixels per em."""

    lines: tuple[Line, ...]
    size: int


def fit(words: Sequence[Word], setting: Setting) -> Page | None:
    """Return the words in the largest size that fits the box, or None if that is smaller than `setting.smallest`.

    A single word that is too wide for the smallest size makes the whole page smaller.
    """
    best: Page | None = None
    fewest = 1 + sum(word.starts_line for word in words[1:])
    for count in range(fewest, max(fewest, min(setting.most_lines, len(words))) + 1):
        lines = _balanced(words, count, setting.space)
        widest = max(line.width for line in lines)
        tall = 1 + (len(lines) - 1) * setting.leading
        size = int(min(setting.largest, setting.width / widest, setting.height / tall))
        if best is None or size > best.size:
            best = Page(lines, size)
    needed = int(setting.width / max(Line.of([word], 0).width for word in words))
    return best if best and best.size >= min(setting.smallest, needed) else None


def paginate(words: Sequence[Word], pages: int, setting: Setting) -> list[Page]:
    """Return the words on at most `pages` pages of similar length, preferably split after phrases.

    Words that do not fit the last page are omitted and replaced by an ellipsis.
    """
    rest = list(words)
    done: list[Page] = []
    for left in range(pages, 0, -1):
        if not rest:
            break
        share = sum(word.width for word in rest) / left
        taken = _share(rest, share) if left > 1 else len(rest)
        page = fit(rest[:taken], setting)
        while page is None and taken > 1:
            taken -= max(1, taken // 16)
            kept = rest[:taken]
            page = fit([*kept[:-1], ellipsis(kept[-1])] if left == 1 else kept, setting)
        if page is None:  # a single word is too tall, so its size is not limited
            page = fit(rest[:taken], replace(setting, smallest=1))
        if page is not None:
            done.append(page)
        rest = rest[taken:]
    return done


def representative(pages: Sequence[Page]) -> int:
    """Return the index of the first page that has nearly as much text as the page with the most."""
    amounts = [sum(word.width for line in page.lines for word in line.words) for page in pages]
    return next(index for index, amount in enumerate(amounts) if amount >= _NEARLY * max(amounts))


def place(page: Page, setting: Setting, centre_x: float, centre_y: float) -> list[Placed]:
    """Return the positions of the words of a page; lines are centred, and the block is centred at the given point.

    The parts of a line are ordered by rule L2 of the Unicode Bidirectional Algorithm.
    """
    placed: list[Placed] = []
    tall = (len(page.lines) - 1) * setting.leading * page.size
    order = 0
    for number, line in enumerate(page.lines):
        baseline = centre_y - tall / 2 + number * setting.leading * page.size + 0.34 * page.size
        parts: list[tuple[int, Fragment | None, int]] = []  # None: a space
        for word in line.words:
            if parts and not word.glued:
                parts.append((word.space_level, None, order))
            parts += [(fragment.level, fragment, order) for fragment in word.fragments]
            order += 1
        if hyphen := line.words[-1].hyphen:
            parts.append((hyphen.level, hyphen, order - 1))
        pen = centre_x - line.width * page.size / 2
        for index in visual_order([level for level, _, _ in parts]):
            _, fragment, reading = parts[index]
            if fragment:
                placed.append(Placed(fragment, pen, baseline, reading))
            pen += (fragment.width if fragment else setting.space) * page.size
    return placed


def _balanced(words: Sequence[Word], count: int, space: float) -> tuple[Line, ...]:
    """Return the words in at most `count` lines, with the widest line as narrow as possible."""
    widths = [Line.of([word], space).width for word in words]
    low, high = max(widths), sum(widths) + space * len(words)
    lines = _wrapped(words, high, space)
    for _ in range(14):
        middle = (low + high) / 2
        attempt = _wrapped(words, middle, space)
        if len(attempt) <= count:
            lines, high = attempt, middle
        else:
            low = middle
    return _tidied(lines, space)


def _tidied(lines: tuple[Line, ...], space: float) -> tuple[Line, ...]:
    """Return the lines with function words moved from line ends to the next line.

    A word is moved only if the next line then exceeds the longest line by at most 20 %.
    """
    room = 1.2 * max(line.width for line in lines)
    tidy = list(lines)
    for index in range(len(tidy) - 1):
        *rest, moved = tidy[index].words
        first = tidy[index + 1].words[0]
        following = Line.of((moved, *tidy[index + 1].words), space)
        if moved.leads_on and rest and following.width <= room and not first.glued and not first.starts_line:
            tidy[index], tidy[index + 1] = Line.of(rest, space), following
    return tuple(tidy)


def _wrapped(words: Sequence[Word], width: float, space: float) -> tuple[Line, ...]:
    lines: list[Line] = []
    current: list[Word] = []
    used = 0.0
    for word in words:
        gap = space if current and not word.glued else 0.0
        needed = word.width + (word.hyphen.width if word.hyphen else 0.0)
        if current and (word.starts_line or used + gap + needed > width + 1e-9):
            lines.append(Line.of(current, space))
            current, used, gap = [], 0.0, 0.0
        current.append(word)
        used += gap + word.width
    lines.append(Line.of(current, space))
    return tuple(lines)


def _share(words: Sequence[Word], share: float) -> int:
    """Return how many words have about the width `share`, preferably up to the end of a phrase."""
    used = 0.0
    best, best_cost = 1, float("inf")
    for index, word in enumerate(words):
        used += word.width
        cost = abs(used - share) / share - 0.3 * word.ends_phrase + 0.45 * word.leads_on
        if cost < best_cost:
            best, best_cost = index + 1, cost
        if used > 1.5 * share:
            break
    return best
