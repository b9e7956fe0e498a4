"""From a prompt to words that can be drawn, and from words to lines and pages that fit their box."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from videojobs.adapters.media.fonts import Face, Lettering, Run, set_runs

_REFERENCE_SIZE = 100
_LONGEST_PIECE = {"narrow": 18, "ideograph": 4, "kana": 7}
"""Characters after which a word may be broken, so that one without an end can't shrink everything."""
_JOINERS = "\u200c\u200d"
_LEADING_VOWELS = "เแโใไ"
_VIRAMA = 9
_ENDS_PHRASE = ".,;:!?…。、，！？；：—–"


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or a piece of one: `glued` to what precedes it, without a space."""

    runs: tuple[Run, ...]
    face: Face
    glued: bool
    is_rtl: bool
    ends_phrase: bool
    width: float
    """In ems."""

    def lettering(self, size: int, tracking: float = 0.0) -> Lettering:
        """The word in type of that size (pixels an em)."""
        return set_runs(self.runs, self.face, size, tracking)


@dataclass(frozen=True, slots=True)
class Line:
    """Words in reading order, and the width of the line in ems, spaces included."""

    words: tuple[Word, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and where its pen starts in the frame; `order` counts in reading order."""

    word: Word
    x: float
    baseline: float
    order: int


@dataclass(frozen=True, slots=True)
class Setting:
    """How a block of text is to be set: its box in pixels, the type's limits, the distance of lines in ems."""

    width: float
    height: float
    largest: int
    smallest: int
    most_lines: int
    leading: float
    space: float = 0.26


@dataclass(frozen=True, slots=True)
class Page:
    """Lines that fill their box in type of one size."""

    lines: tuple[Line, ...]
    size: int


def drawable_words(prompt: str, face: Face) -> list[Word]:
    """The prompt as words, without anything that no typeface has: emoji, controls, direction marks, stray accents."""
    words: list[Word] = []
    for chunk in _cleaned(prompt).split():
        glued = False
        for piece in _pieces(chunk):
            word = _word(piece, face, glued=glued)
            if word is not None:
                words.append(word)
                glued = True
    return words


def ellipsis(word: Word) -> Word:
    """The word with an ellipsis: the text goes on, but not here."""
    font = word.face.font_for("…")
    if font is None:
        return word
    dots = Run("…", font)
    runs = (dots, *word.runs) if word.is_rtl else (*word.runs, dots)
    return replace(word, runs=runs, width=set_runs(runs, word.face, _REFERENCE_SIZE).advance / _REFERENCE_SIZE)


def fit(words: Sequence[Word], setting: Setting) -> Page | None:
    """The words in as large a type as the box allows, or None where that would be too small to read."""
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
    """The words over at most so many pages, evenly, better broken after a phrase; what finds no room ends in `…`."""
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
        if page is None:  # one word that is too wide even so: as small as it must be
            page = fit(rest[:taken], replace(setting, smallest=1))
        if page is not None:
            done.append(page)
        rest = rest[taken:]
    return done


def place(page: Page, setting: Setting, centre_x: float, centre_y: float, *, align: float = 0.5) -> list[Placed]:
    """Where each word goes, the block around that middle; `align` 0 is flush left, 0.5 centred.

    A page that begins in Arabic or Hebrew runs from right to left.
    """
    is_rtl = page.lines[0].words[0].is_rtl
    placed: list[Placed] = []
    widest = max(line.width for line in page.lines) * page.size
    tall = (len(page.lines) - 1) * setting.leading * page.size
    order = 0
    for number, line in enumerate(page.lines):
        baseline = centre_y - tall / 2 + number * setting.leading * page.size + 0.34 * page.size
        reading = {id(word): order + index for index, word in enumerate(line.words)}
        order += len(line.words)
        shift = 1 - align if is_rtl else align
        pen = centre_x - widest / 2 + (widest - line.width * page.size) * shift
        visual = _visual(line.words, is_rtl=is_rtl)
        for index, word in enumerate(visual):
            if index and not _touching(visual[index - 1], word):
                pen += setting.space * page.size
            placed.append(Placed(word, pen, baseline, reading[id(word)]))
            pen += word.width * page.size
    return placed


def _touching(left: Word, right: Word) -> bool:
    return left.glued if left.is_rtl and right.is_rtl else right.glued


def _cleaned(prompt: str) -> str:
    kept = []
    for character in unicodedata.normalize("NFC", prompt):
        category = unicodedata.category(character)
        if character.isspace() or category in {"Zs", "Zl", "Zp", "Cc"}:
            kept.append(" ")
        elif character in _JOINERS or category[0] != "C":
            kept.append(character)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in _JOINERS


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _pieces(chunk: str) -> list[str]:
    """A chunk without spaces, cut where a line may break: between ideographs, and within words that are too long."""
    clusters: list[str] = []
    for character in chunk:
        holds_on = clusters and (
            _is_mark(character)
            or clusters[-1][-1] in _LEADING_VOWELS + _JOINERS
            or unicodedata.combining(clusters[-1][-1]) == _VIRAMA
        )
        if holds_on:
            clusters[-1] += character
        else:
            clusters.append(character)
    pieces: list[list[str]] = []
    for cluster in clusters:
        limit = _LONGEST_PIECE[_kind(cluster)]
        same = pieces and (cluster[0] in _ENDS_PHRASE or _kind(pieces[-1][0]) == _kind(cluster))
        if same and (len(pieces[-1]) < limit or cluster[0] in _ENDS_PHRASE):
            pieces[-1].append(cluster)
        else:
            pieces.append([cluster])
    return ["".join(piece) for piece in pieces]


def _kind(cluster: str) -> str:
    if not _is_wide(cluster[0]):
        return "narrow"
    return "kana" if "\u3040" <= cluster[0] <= "\u30ff" else "ideograph"


def _word(text: str, face: Face, *, glued: bool) -> Word | None:
    runs: list[Run] = []
    directions: list[bool] = []
    text = text.lstrip("".join(character for character in set(text) if _is_mark(character)))
    for character in text:
        strong = unicodedata.bidirectional(character)
        rtl = strong in {"R", "AL"} if strong in {"R", "AL", "L"} else None
        stays = runs and face.covers(runs[-1].font, character) and rtl in {None, directions[-1]}
        font = runs[-1].font if stays else face.font_for(character)
        if stays:
            runs[-1] = Run(runs[-1].text + character, runs[-1].font)
        elif font is not None and not _is_mark(character):
            runs.append(Run(character, font))
            directions.append(bool(rtl))
    if not any(character.isalnum() or _is_symbol(character) for run in runs for character in run.text):
        return None
    spoken = (index for index, run in enumerate(runs) if any(map(str.isalnum, run.text)))
    is_rtl = directions[next(spoken, 0)]
    visual = tuple(reversed(runs)) if is_rtl else tuple(runs)
    lettering = set_runs(visual, face, _REFERENCE_SIZE)
    if lettering.stencil is None:
        return None
    width = lettering.advance / _REFERENCE_SIZE
    return Word(visual, face, glued, is_rtl, text[-1] in _ENDS_PHRASE, width)


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character)[0] in "SP"


def _balanced(words: Sequence[Word], count: int, space: float) -> tuple[Line, ...]:
    """The words over at most `count` lines, the widest as narrow as can be."""
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
    return lines


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
    """How many words make about that much, the end of a phrase near it preferred."""
    used = 0.0
    best, best_cost = 1, float("inf")
    for index, word in enumerate(words):
        used += word.width
        cost = abs(used - share) / share - (0.3 if word.ends_phrase else 0.0)
        if cost < best_cost:
            best, best_cost = index + 1, cost
        if used > 1.5 * share:
            break
    return best


def _visual(words: Sequence[Word], *, is_rtl: bool) -> list[Word]:
    """From reading order to left-to-right order: words of the other direction than the page's keep together."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and groups[-1][0].is_rtl == word.is_rtl:
            groups[-1].append(word)
        else:
            groups.append([word])
    ordered = [list(reversed(group)) if group[0].is_rtl else group for group in groups]
    return [word for group in (reversed(ordered) if is_rtl else ordered) for word in group]
