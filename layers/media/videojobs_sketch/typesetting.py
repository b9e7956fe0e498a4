"""Arrangement of words in lines and pages that fit a box, and the position of each word in the frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from videojobs_sketch.words import Word, ellipsis


@dataclass(frozen=True, slots=True)
class Line:
    """Words of a line in reading order, and the width of the line in ems, including spaces."""

    words: tuple[Word, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Word with the start of its baseline in pixels; `order` is its index on the page in reading order."""

    word: Word
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


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of a page and their text size in pixels per em."""

    lines: tuple[Line, ...]
    size: int


def fit(words: Sequence[Word], setting: Setting) -> Page | None:
    """Return the words in the largest size that fits the box, or None if that is smaller than `setting.smallest`."""
    best: Page | None = None
    for count in range(1, min(setting.most_lines, len(words)) + 1):
        lines = _balanced(words, count, setting.space)
        widest = max(line.width for line in lines)
        tall = 1 + (len(lines) - 1) * setting.leading
        size = int(min(setting.largest, setting.width / widest, setting.height / tall))
        if best is None or size > best.size:
            best = Page(lines, size)
    return best if best and best.size >= setting.smallest else None


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
        if page is None:  # a single word is too wide, so its size is not limited
            page = fit(rest[:taken], replace(setting, smallest=1))
        if page is not None:
            done.append(page)
        rest = rest[taken:]
    return done


def place(page: Page, setting: Setting, centre_x: float, centre_y: float) -> list[Placed]:
    """Return the positions of the words of a page; lines are centred, and the block is centred at the given point.

    A page whose first word is Arabic or Hebrew is set from right to left.
    """
    is_rtl = page.lines[0].words[0].is_rtl
    placed: list[Placed] = []
    tall = (len(page.lines) - 1) * setting.leading * page.size
    order = 0
    for number, line in enumerate(page.lines):
        baseline = centre_y - tall / 2 + number * setting.leading * page.size + 0.34 * page.size
        reading = {id(word): order + index for index, word in enumerate(line.words)}
        order += len(line.words)
        pen = centre_x - line.width * page.size / 2
        visual = _visual(line.words, is_rtl=is_rtl)
        for index, word in enumerate(visual):
            if index and not _touching(visual[index - 1], word):
                pen += setting.space * page.size
            placed.append(Placed(word, pen, baseline, reading[id(word)]))
            pen += word.width * page.size
    return placed


def _touching(left: Word, right: Word) -> bool:
    return left.glued if left.is_rtl and right.is_rtl else right.glued


def _balanced(words: Sequence[Word], count: int, space: float) -> tuple[Line, ...]:
    """Return the words in at most `count` lines, with the widest line as narrow as possible."""
    widths = [word.width for word in words]
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
        line, following = tidy[index], tidy[index + 1]
        moved = line.words[-1]
        way = moved.width + space
        if moved.leads_on and len(line.words) > 1 and following.width + way <= room and not following.words[0].glued:
            tidy[index] = Line(line.words[:-1], line.width - way)
            tidy[index + 1] = Line((moved, *following.words), following.width + way)
    return tuple(tidy)


def _wrapped(words: Sequence[Word], width: float, space: float) -> tuple[Line, ...]:
    lines: list[Line] = []
    current: list[Word] = []
    used = 0.0
    for word in words:
        gap = space if current and not word.glued else 0.0
        if current and used + gap + word.width > width + 1e-9:
            lines.append(Line(tuple(current), used))
            current, used, gap = [], 0.0, 0.0
        current.append(word)
        used += gap + word.width
    lines.append(Line(tuple(current), used))
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


def _visual(words: Sequence[Word], *, is_rtl: bool) -> list[Word]:
    """Return words from reading order in left-to-right order; groups of the opposite direction stay together."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and groups[-1][0].is_rtl == word.is_rtl:
            groups[-1].append(word)
        else:
            groups.append([word])
    ordered = [list(reversed(group)) if group[0].is_rtl else group for group in groups]
    return [word for group in (reversed(ordered) if is_rtl else ordered) for word in group]
