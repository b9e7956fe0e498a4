"""Prompts for providers: the user's prompt, a description of the style and the part's number, within a length limit."""

import sys
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple, Self

from videojobs.domain.request import Style

STYLE_WORDS: Mapping[Style, str] = {
    Style.FUN: "Playful and lively, bright colours, quick cheerful motion.",
    Style.CALM: "Calm and quiet, soft light, slow gentle camera movement.",
    Style.BACKGROUND: "An unobtrusive background: no text, no faces, slow even motion, nothing that draws the eye.",
}
"""Description of each style for the prompt, because no provider has a parameter for it."""

_ELLIPSIS = "…"
_INVISIBLE_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_INVISIBLE_RANGES = (
    *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065), (0x2800, 0x2800)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1D159, 0x1D159), (0xE0000, 0xE0FFF)),
)
"""Invisible characters of other categories, with both ends: those with the property Default_Ignorable_Code_Point
(https://www.unicode.org/reports/tr44/), the blank Braille pattern and the null notehead."""


class Counting(StrEnum):
    """How a provider counts the length of a prompt."""

    CODE_POINTS = "code points"
    UTF16_UNITS = "UTF-16 units"
    UTF8_BYTES = "UTF-8 bytes"


_COUNT: Mapping[Counting, Callable[[str], int]] = {
    Counting.CODE_POINTS: len,
    Counting.UTF16_UNITS: lambda text: len(text.encode("utf-16-le")) // 2,
    Counting.UTF8_BYTES: lambda text: len(text.encode()),
}


class PromptLimit(NamedTuple):
    """Maximum length of a prompt, counted as the provider counts it."""

    length: int
    counting: Counting

    @classmethod
    def unlimited(cls) -> Self:
        """Return the limit for a provider that publishes none."""
        return cls(sys.maxsize, Counting.CODE_POINTS)

    def allows(self, text: str) -> bool:
        """Return whether the text is within the limit.

        Raises:
            UnicodeEncodeError: If the limit does not count code points and the text has an unpaired surrogate.
        """
        return _COUNT[self.counting](text) <= self.length


class FoldedPrompt(NamedTuple):
    """Prompt for a provider, and whether the user's prompt was shortened for it."""

    text: str
    is_shortened: bool


def is_visible(character: str) -> bool:
    """Return whether a character is drawn, alone or with the character before it.

    White space, control and format characters, fillers and variation selectors are not.
    """
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        return False
    return not any(first <= ord(character) <= last for first, last in _INVISIBLE_RANGES)


def fold_prompt(prompt: str, style: Style, limit: PromptLimit, *, part: int = 1, parts: int = 1) -> FoldedPrompt:
    """Return the user's prompt, followed by a description of the style and, if there are several parts, the part.

    If the whole is over the limit, the user's prompt is cut after a word, or within its first word, and ends with "…".

    Raises:
        ValueError: If the limit is too small for any of the user's prompt.
    """
    added = STYLE_WORDS[style] if parts == 1 else f"{STYLE_WORDS[style]} {_format_part(part, parts)}"
    whole = f"{prompt}\n\n{added}"
    if limit.allows(whole):
        return FoldedPrompt(whole, is_shortened=False)
    low, high = 0, len(prompt)
    while low < high:  # binary search: a longer prompt never has a smaller count
        middle = (low + high + 1) // 2
        if limit.allows(f"{prompt[:middle].rstrip()}{_ELLIPSIS}\n\n{added}"):
            low = middle
        else:
            high = middle - 1
    kept = prompt[:low]
    at_word = kept if prompt[low : low + 1].isspace() else kept[: _last_space(kept)]
    words = at_word.strip() or kept.strip()
    if not words:
        raise ValueError(f"the limit of {limit.length} {limit.counting} is too small for the user's prompt")
    return FoldedPrompt(f"{words}{_ELLIPSIS}\n\n{added}", is_shortened=True)


def _last_space(text: str) -> int:
    return max((at for at, character in enumerate(text) if character.isspace()), default=0)


def _format_part(part: int, parts: int) -> str:
    if part == 1:
        return f"This is the first of {parts} shots that continue each other without a cut."
    continuity = "it continues exactly where the one before ends, same scene, same look, same motion"
    return f"Shot {part} of {parts}: {continuity}."
