"""Conversion of a prompt to words: cleaned, split where lines can end, each with its typefaces and directions."""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Self

from unicode_segmentation_rs import graphemes

from videojobs_sketch.bidi import base_level, resolve_levels
from videojobs_sketch.breaks import line_ends, split_pieces
from videojobs_sketch.fonts import JOINERS, Face, Lettering, Run, advance_of, script_of, set_runs
from videojobs_sketch.vocabulary import LEADS_ON

_REFERENCE_SIZE = 100
_ENDS_PHRASE = ".,;:!?…。、，！？；：—–"


@dataclass(frozen=True, slots=True)
class Fragment:
    """Part of a word with one writing direction. `runs` are ordered from left to right; `width` is in ems.

    `level`: the embedding level of the Unicode Bidirectional Algorithm; odd from right to left.
    """

    runs: tuple[Run, ...]
    face: Face
    level: int
    width: float

    @classmethod
    def of(cls, runs: Sequence[Run], face: Face, level: int) -> Self | None:
        """Return the fragment with these runs in reading order, or None if nothing would be drawn."""
        visual = tuple(reversed(runs)) if level % 2 else tuple(runs)
        width = advance_of(visual, face, _REFERENCE_SIZE) / _REFERENCE_SIZE
        return cls(visual, face, level, width) if width > 0 else None

    def lettering(self, size: int) -> Lettering:
        """Return the shaped fragment at a size in pixels per em."""
        return set_runs(self.runs, self.face, size)


@dataclass(frozen=True, slots=True)
class Word:
    """Word, or part of a word after which a line can end.

    `fragments` are in reading order. `glued`: no space separates it from the previous word. `space_level`: the
    embedding level of that space. `starts_line`: the user typed a line break before it. `is_cut`: it is a part of a
    word that was too long. `hyphen`: what is added if a line ends after it. `base_level`: the direction of the prompt.
    """

    fragments: tuple[Fragment, ...]
    glued: bool
    space_level: int
    base_level: int
    ends_phrase: bool
    leads_on: bool
    starts_line: bool = False
    is_cut: bool = False
    hyphen: Fragment | None = None

    @property
    def width(self) -> float:
        """Return the width in ems, without the hyphen."""
        return sum(fragment.width for fragment in self.fragments)


def drawable_words(prompt: str, face: Face, widest: float = math.inf) -> list[Word]:
    """Return the words of a prompt, those wider than `widest` ems in parts.

    Control characters, stray accents, and characters that no typeface contains are removed.
    """
    text = _cleaned(prompt)
    base = base_level(text)
    usual = _usual_typefaces(text, face)
    words: list[Word] = []
    for line in text.split("\n"):
        before = len(words)
        levels = resolve_levels(line, base)
        for start, end in _chunks(line):
            chunk = _Chunk(line[start:end], levels[start:end], face, usual)
            space = levels[start - 1] if start else base
            words += chunk.words(base=base, space_level=space, widest=widest)
        if before < len(words):
            words[before] = replace(words[before], starts_line=before > 0)
            words[-1] = replace(words[-1], ends_phrase=True)
    return words


def ellipsis(word: Word) -> Word:
    """Return the word with an ellipsis, which marks omitted text; unchanged if no typeface has the character."""
    dots = _sign("…", word)
    return replace(word, fragments=(*word.fragments, dots), hyphen=None) if dots else word


def missing_scripts(prompt: str) -> list[str]:
    """Return the names of the scripts of a prompt that no typeface contains, such as `Tibetan` or `Emoji`, sorted."""
    missing = {
        _script_name(character)
        for character in _cleaned(prompt)
        if _needs_glyph(character) and not character.isspace() and Face.DISPLAY.font_for(character) is None
    }
    return sorted(missing)


def _script_name(character: str) -> str:
    if unicodedata.category(character)[0] == "S" or 0x1F000 <= ord(character) <= 0x1FAFF:
        return "Emoji"
    return script_of(character).title() or "Other"


def _cleaned(prompt: str) -> str:
    """Return the prompt with composed accents, and with a line feed as the only line break and control character."""
    text = unicodedata.normalize("NFC", "\n".join(prompt.split("\r\n")))
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if character in "\n\r\v\f\x85\u2028\u2029":
            kept.append("\n")
        elif category == "Cc" or _is_space(character):
            kept.append("" if kept and kept[-1] in {" ", ""} else " ")
        elif unicodedata.decomposition(character).startswith("<font>"):  # such as mathematical bold letters
            kept.append(unicodedata.normalize("NFKC", character))
        elif category not in {"Cs", "Co"}:
            kept.append(character)
    return "".join(kept)


def _chunks(line: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each part of a line between spaces at which it can end, such as `Really ?`."""
    start = 0
    for end in line_ends(line):
        if end == len(line) or _is_space(line[end - 1]):
            length = len(line[start:end].rstrip(" "))
            if length:
                yield start, start + length
            start = end


def _is_space(character: str) -> bool:
    return character.isspace() and "noBreak" not in unicodedata.decomposition(character)


def _is_hidden(character: str) -> bool:
    """Return whether the character controls the text around it and is not drawn itself, such as a direction mark."""
    category = unicodedata.category(character)
    is_control = category == "Cf" and unicodedata.bidirectional(character) != "AN"
    return is_control and character not in JOINERS


def _needs_glyph(character: str) -> bool:
    """Return whether a typeface must contain the character; joiners and selectors only change other glyphs."""
    return not _is_hidden(character) and character not in JOINERS and not 0xFE00 <= ord(character) <= 0xFE0F


def _usual_typefaces(text: str, face: Face) -> Mapping[str, int]:
    """Return the typeface of each script of a text that contains all its letters; under "", that of the first one."""
    letters: defaultdict[str, set[str]] = defaultdict(set)
    for character in text:
        if character.isalpha():
            letters[script_of(character)].add(character)
    usual = {script: face.font_for("".join(found)) for script, found in letters.items()}
    first = next((font for script, font in usual.items() if font is not None and script != "CJK"), None)
    return {script: font for script, font in {"": first, **usual}.items() if font is not None}


def _typefaces(text: str, face: Face, usual: Mapping[str, int]) -> list[int | None]:
    """Return the typeface of each character of a text without spaces: one typeface if any contains the whole text."""
    fonts: list[int | None] = []
    for segment in _segments(text):
        needed = "".join(filter(_needs_glyph, segment))
        font = usual.get(next((script_of(character) for character in segment if character.isalpha()), ""))
        if font is None or not face.covers(font, needed):
            font = face.font_for(needed)
        if font is not None:
            fonts += [font] * len(segment)
            continue
        for cluster in graphemes(segment, is_extended=True):
            needed = "".join(filter(_needs_glyph, cluster))
            if font is None or not face.covers(font, needed):
                font = face.font_for(needed)
            if font is None:  # at least the letter without its marks
                font = face.font_for(needed[:1])
            fonts += [font] * len(cluster)
    return fonts


def _segments(text: str) -> Iterator[str]:
    """Yield the parts of a text between changes from or to wide characters; signs belong to the part before them."""
    is_wide = _is_wide(next(filter(str.isalnum, text), text[0]))
    start = 0
    for index, character in enumerate(text):
        if (_is_wide(character) or character.isalnum()) and _is_wide(character) != is_wide:
            if start < index:
                yield text[start:index]
            start, is_wide = index, not is_wide
    yield text[start:]


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


class _Chunk:
    """Text without spaces, with the level and the typeface of each character."""

    def __init__(self, text: str, levels: Sequence[int], face: Face, usual: Mapping[str, int]) -> None:
        self._text, self._levels, self._face = text, levels, face
        self._fonts = _typefaces(text, face, usual)
        for index in takewhile(lambda index: _is_mark(text[index]), range(len(text))):
            self._fonts[index] = None  # an accent without a letter

    def words(self, *, base: int, space_level: int, widest: float) -> list[Word]:
        """Return the words; all but the first one are glued."""
        words: list[Word] = []
        for piece in split_pieces(self._text, self._width, widest):
            fragments = self._fragments(piece.start, piece.end)
            if not fragments:
                continue
            text = self._text[piece.start : piece.end]
            word = Word(
                fragments,
                glued=bool(words),
                space_level=space_level,
                base_level=base,
                ends_phrase=text[-1] in _ENDS_PHRASE,
                leads_on=text.casefold() in LEADS_ON,
                is_cut=piece.is_cut,
            )
            words.append(replace(word, hyphen=_sign("-", word)) if piece.hyphenates else word)
        return words

    def _width(self, start: int, end: int) -> float:
        return sum(fragment.width for fragment in self._fragments(start, end))

    def _fragments(self, start: int, end: int) -> tuple[Fragment, ...]:
        drawn = [
            (self._levels[index], font, " " if self._text[index].isspace() else self._text[index])
            for index in range(start, end)
            if (font := self._fonts[index]) is not None and not _is_hidden(self._text[index])
        ]
        fragments = []
        for level, group in groupby(drawn, key=itemgetter(0)):
            runs = [
                Run("".join(character for _, _, character in run), font, is_rtl=bool(level % 2))
                for font, run in groupby(group, key=itemgetter(1))
            ]
            fragments.append(Fragment.of(runs, self._face, level))
        return tuple(fragment for fragment in fragments if fragment)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in JOINERS


def _sign(character: str, word: Word) -> Fragment | None:
    """Return the character as a fragment at the end of the word, in its typeface if that contains it."""
    last = word.fragments[-1]
    font = (last.runs[0] if last.level % 2 else last.runs[-1]).font
    if not last.face.covers(font, character):
        found = last.face.font_for(character)
        if found is None:
            return None
        font = found
    level = word.base_level
    return Fragment.of([Run(character, font, is_rtl=bool(level % 2))], last.face, level)
