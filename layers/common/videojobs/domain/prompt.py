"""What a provider is told: the user's words, the style in words, which part of a whole it is, as long as it may be."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from videojobs.domain.request import Style

STYLE_WORDS: Mapping[Style, str] = {
    Style.FUN: "Playful and lively, bright colours, quick cheerful motion.",
    Style.CALM: "Calm and quiet, soft light, slow gentle camera movement.",
    Style.BACKGROUND: "An unobtrusive background: no text, no faces, slow even motion, nothing that draws the eye.",
}
"""No provider knows our styles: they are said in the prompt."""

_ELLIPSIS = "…"


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


@dataclass(frozen=True, slots=True)
class PromptLimit:
    """The longest prompt that a provider takes, in its own counting."""

    length: int
    counting: Counting

    @classmethod
    def unlimited(cls) -> Self:
        """That of a provider that publishes none."""
        return cls(sys.maxsize, Counting.CODE_POINTS)

    def allows(self, text: str) -> bool:
        """Whether it takes this text."""
        return _COUNT[self.counting](text) <= self.length


@dataclass(frozen=True, slots=True)
class FoldedPrompt:
    """What is sent, and whether some of the user's words had to go: the job says so."""

    text: str
    is_shortened: bool


def fold_prompt(prompt: str, style: Style, limit: PromptLimit, *, part: int = 1, parts: int = 1) -> FoldedPrompt:
    """The user's words, then the style, then which part it is; the user's words are cut at a word where it is too long.

    Raises:
        ValueError: the provider's limit has no room for any word of the user's.
    """
    added = STYLE_WORDS[style] if parts == 1 else f"{STYLE_WORDS[style]} {_say_part(part, parts)}"
    whole = f"{prompt}\n\n{added}"
    if limit.allows(whole):
        return FoldedPrompt(whole, is_shortened=False)
    low, high = 0, len(prompt)
    while low < high:  # what is longer counts for more: the longest that fits is found by halving
        middle = (low + high + 1) // 2
        if limit.allows(f"{prompt[:middle].rstrip()}{_ELLIPSIS}\n\n{added}"):
            low = middle
        else:
            high = middle - 1
    kept = prompt[:low]
    at_word = kept if prompt[low : low + 1].isspace() else kept[: _last_space(kept)]
    words = at_word.strip() or kept.strip()
    if not words:
        raise ValueError(f"a prompt of {limit.length} {limit.counting} has no room for the user's words")
    return FoldedPrompt(f"{words}{_ELLIPSIS}\n\n{added}", is_shortened=True)


def _last_space(text: str) -> int:
    return max((at for at, character in enumerate(text) if character.isspace()), default=0)


def _say_part(part: int, parts: int) -> str:
    if part == 1:
        return f"This is the first of {parts} shots that continue each other without a cut."
    return f"Shot {part} of {parts}: it goes on exactly where the one before ends, same scene, same look, same motion."
