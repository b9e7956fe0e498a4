"""Conversion of a prompt to drawable words: cleaned, split at possible line breaks, with a typeface per character."""

import unicodedata
from dataclasses import dataclass, replace

from videojobs_sketch.fonts import Face, Lettering, Run, set_runs
from videojobs_sketch.vocabulary import LEADS_ON

_REFERENCE_SIZE = 100
_LONGEST_PIECE = {"narrow": 18, "ideograph": 4, "kana": 7}
"""Maximum number of characters per piece; longer words are split, because a very long word would shrink all text."""
_JOINERS = "\u200c\u200d"
_LEADING_VOWELS = "เแโใไ"
_VIRAMA = 9
_ENDS_PHRASE = ".,;:!?…。、，！？；：—–"


@dataclass(frozen=True, slots=True)
class Word:
    """Word or piece of a word. `glued` means that no space separates it from the previous piece."""

    runs: tuple[Run, ...]
    face: Face
    glued: bool
    is_rtl: bool
    ends_phrase: bool
    leads_on: bool
    width: float
    """Width in ems."""

    def lettering(self, size: int) -> Lettering:
        """Return the shaped word at a size in pixels per em."""
        return set_runs(self.runs, self.face, size)


def drawable_words(prompt: str, face: Face) -> list[Word]:
    """Return the words of a prompt.

    Characters that no typeface contains are removed: emoji, control characters, direction marks and stray accents.
    """
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
    """Return the word with an ellipsis, which marks omitted text; unchanged if no typeface has the character."""
    font = word.face.font_for("…")
    if font is None:
        return word
    dots = Run("…", font)
    runs = (dots, *word.runs) if word.is_rtl else (*word.runs, dots)
    return replace(word, runs=runs, width=set_runs(runs, word.face, _REFERENCE_SIZE).advance / _REFERENCE_SIZE)


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
    """Return the pieces of a text without spaces, split at possible line breaks.

    Lines can break between ideographs and within words that are too long.
    """
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
    if lettering.stencil is None or lettering.advance <= 0:
        return None
    width = lettering.advance / _REFERENCE_SIZE
    return Word(visual, face, glued, is_rtl, text[-1] in _ENDS_PHRASE, text.casefold() in LEADS_ON, width)


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character)[0] in "SP"
