"""Places where a line may end: those of UAX #14, phrases of Chinese, Japanese and Thai, and cuts in very long words."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import budoux
from unicode_segmentation_rs import graphemes, line_break_units

from videojobs_sketch.fonts import JOINERS, script_of

type Measure = Callable[[int, int], float]
"""A function that returns the width in ems of the part between two indices."""

_SOFT_HYPHEN, _ZERO_WIDTH_SPACE = "\u00ad", "\u200b"
_LONG_PHRASE, _PHRASE_PART = 9, 6
"""Width in ems from which a phrase of ideographs is cut, and the width of its parts."""
_BREAKS_AFTER = "/?&.-_="
_STARTS_NO_LINE = "ะาำๆฯะາຳໆຯ"
"""Thai and Lao characters that belong to the letter before them but are no combining marks."""
_LEADING_VOWELS = "เแโใไເແໂໃໄ"
_OPENS, _CLOSES = re.compile(r"(^|[\s(])[«‹“‘] $"), re.compile(r"[»›”’]([\s).,;:!?]|$)")
_VIRAMA = 9
_VOWELS = frozenset("aeiouyæøœαεηιουωаеёиоуыэюяєіїաեէըիոօ")
_HYPHENATED = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text after which a line may end: its start and end as indices.

    `is_cut`: the piece is part of a word that was too long. `hyphenates`: a line that ends after it needs a hyphen.
    """

    start: int
    end: int
    is_cut: bool = False
    hyphenates: bool = False


def split_pieces(text: str, measure: Measure, widest: float) -> list[Piece]:
    """Return the pieces of a text between spaces. A word is one piece unless it is wider than about `widest` ems.

    Before a word is cut with a hyphen, it may be 1.4 times as wide, so that its page gets smaller type. A text that
    should not be cut anywhere, such as a row of signs, may be 2.8 times as wide.
    """
    ends = line_ends(text)
    scripts = {script_of(character) for character in text if character.isalpha()}
    pieces = _pieces_at([end for end in ends if end == len(text) or text[end - 1] == _ZERO_WIDTH_SPACE])
    if "THAI" in scripts:
        pieces = _pieces_at([end for end in _ends(_parser("thai").parse(text)) if _may_cut(text, end)])
    elif "CJK" in scripts:
        phrases = set(_ends(_parser("cjk" if _has_kana(text) else "chinese").parse(text)))
        pieces = _pieces_at([end for end in ends if end in phrases or end == len(text)])
        pieces = _cut(text, pieces, ends, measure, (_LONG_PHRASE, _PHRASE_PART))
    for cuts in (ends, _cuts_after_signs(text)):
        pieces = _cut(text, pieces, cuts, measure, (widest, 0.6 * widest))
    clusters = _ends(graphemes(text, is_extended=True))
    pieces = _cut(text, pieces, [end for end in clusters if _may_cut(text, end)], measure, (1.4 * widest, 0.9 * widest))
    return _cut(text, pieces, clusters, measure, (2.8 * widest, 0.9 * widest))


def line_ends(text: str) -> list[int]:
    """Return the indices after which a line may end by UAX #14, but not between a quotation mark and a space in it."""
    ends = _ends(line_break_units(text))
    return [end for end in ends if not _OPENS.search(text, max(0, end - 3), end) and not _CLOSES.match(text, end)]


def _ends(parts: Sequence[str]) -> list[int]:
    return list(accumulate(map(len, parts)))


def _pieces_at(ends: Sequence[int]) -> list[Piece]:
    return [Piece(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def _has_kana(text: str) -> bool:
    return any("\u3040" <= character <= "\u30ff" for character in text)


@cache
def _parser(language: str) -> budoux.Parser:
    load = {"thai": budoux.load_default_thai_parser, "chinese": budoux.load_default_simplified_chinese_parser}
    return load.get(language, budoux.load_default_japanese_parser)()


def _cuts_after_signs(text: str) -> list[int]:
    """Return the places after the signs that separate the parts of a URL, but not inside of numbers."""
    return [
        end
        for end in range(1, len(text))
        if text[end - 1] in _BREAKS_AFTER and text[end].isalnum() and not text[max(0, end - 2) : end - 1].isdigit()
    ]


def _may_cut(text: str, end: int) -> bool:
    """Return whether a word can be cut here in an emergency: no mark, closing sign or dependent vowel follows."""
    if end >= len(text):
        return end == len(text)
    before, after = text[end - 1], text[end]
    return not (
        unicodedata.category(after)[0] in "MP"
        or unicodedata.east_asian_width(after) in "WFH"  # these break only where UAX #14 allows
        or after in JOINERS + _STARTS_NO_LINE
        or before in JOINERS + _LEADING_VOWELS
        or unicodedata.combining(before) == _VIRAMA
        or unicodedata.category(before) in {"Ps", "Pi"}
    )


def _cut(
    text: str, pieces: Sequence[Piece], cuts: Sequence[int], measure: Measure, limits: tuple[float, float]
) -> list[Piece]:
    """Return the pieces, with those that are too wide cut at some of the `cuts`.

    `limits`: the width in ems that a piece may have, and the width of the parts of a wider one.
    """
    widest, target = limits
    result: list[Piece] = []
    for piece in pieces:
        inside = [cut for cut in cuts if piece.start < cut < piece.end]
        width = measure(piece.start, piece.end) if inside else 0.0
        if width <= widest:
            result.append(piece)
            continue
        count = int(width / target) + 1
        length = piece.end - piece.start
        rough = {cut: _roughness(text, cut) for cut in inside}
        ideals = [piece.start + length * part / count for part in range(1, count)]
        chosen = {min(inside, key=lambda cut: abs(cut - ideal) + rough[cut]) for ideal in ideals}
        ends = [*sorted(chosen), piece.end]
        for start, end in zip([piece.start, *ends], ends, strict=False):
            hyphenates = piece.hyphenates if end == piece.end else _needs_hyphen(text, end)
            result.append(Piece(start, end, is_cut=True, hyphenates=hyphenates))
    return result


def _needs_hyphen(text: str, cut: int) -> bool:
    letters = text[cut - 1] + text[cut]
    return text[cut - 1] == _SOFT_HYPHEN or (letters.isalpha() and {*map(script_of, letters)} <= _HYPHENATED)


def _roughness(text: str, cut: int) -> float:
    """Return how bad a cut is, in letters: best before a consonant with a vowel, which usually begins a syllable."""
    if not _needs_hyphen(text, cut):
        return 0.0
    if text[cut] in "hH":  # usually a digraph: ch, sh, th
        return 3.0
    vowels = [
        unicodedata.normalize("NFD", letter.casefold())[0] in _VOWELS for letter in text[max(0, cut - 1) : cut + 2]
    ]
    if vowels[1:] == [False, True]:
        return 0.0 if vowels[0] else 1.0
    return 3.0
