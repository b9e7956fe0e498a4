"""Unicode Bidirectional Algorithm: the direction of each character, and the visual order of the parts of a line.

The rules are those of https://www.unicode.org/reports/tr9/. python-bidi returns no levels, and ICU has 40 MB.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

_DEEPEST = 125
_MOST_BRACKETS = 63
_EMBEDDINGS = {"RLE": "", "LRE": "", "RLO": "R", "LRO": "L"}
_ISOLATES = {"RLI", "LRI", "FSI"}
_REMOVED = {"RLE", "LRE", "RLO", "LRO", "PDF", "BN"}
_NEUTRAL = {"B", "S", "WS", "ON", "RLI", "LRI", "FSI", "PDI"}
_STRONG = {"L": 0, "R": 1, "AL": 1}
_DISTANT_PAIRS = {"[": "]", "{": "}", "［": "］", "｛": "｝", "⦍": "⦐", "⦏": "⦎"}
"""Brackets whose partner is not the next code point."""


def base_level(text: str) -> int:
    """Return 1 if the first strong character of a text, outside of isolates, is Arabic or Hebrew, else 0 (P2, P3)."""
    depth = 0
    for character in text:
        kind = unicodedata.bidirectional(character)
        depth = depth + 1 if kind in _ISOLATES else max(0, depth - 1) if kind == "PDI" else depth
        if depth == 0 and kind in _STRONG:
            return _STRONG[kind]
    return 0


def resolve_levels(text: str, base: int) -> list[int]:
    """Return the level of each character of a paragraph: even from left to right, odd from right to left.

    Formatting characters have the level of the character before them. The levels of spaces at line ends are not reset,
    because no such space is drawn.
    """
    original = [unicodedata.bidirectional(character) or "L" for character in text]
    partners = dict(_isolates(original))
    levels, kinds = _explicit(text, original, partners, base)
    kept = [index for index, kind in enumerate(original) if kind not in _REMOVED]
    for sequence, start, end in list(_sequences(original, partners, levels, kept, base)):
        run = [kinds[index] for index in sequence]
        level = levels[sequence[0]]
        _resolve_weak(run, start)
        _resolve_brackets(run, [text[index] for index in sequence], [kinds[index] for index in sequence], level, start)
        _resolve_neutral(run, level, start, end)
        for index, kind in zip(sequence, run, strict=True):
            levels[index] += kind != "R" if level % 2 else {"L": 0, "R": 1}.get(kind, 2)
    before = base
    for index, kind in enumerate(original):
        before = levels[index] = before if kind in _REMOVED else levels[index]
    return levels


def visual_order(levels: Sequence[int]) -> list[int]:
    """Return the indices of the parts of a line from left to right, given their levels in reading order (L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        groups = groupby(order, key=lambda index: levels[index] >= level)
        order = [
            index for is_higher, group in groups for index in (reversed(list(group)) if is_higher else list(group))
        ]
    return order


def _isolates(kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the indices of each isolate initiator and its PDI (BD9)."""
    opened: list[int] = []
    for index, kind in enumerate(kinds):
        if kind in _ISOLATES:
            opened.append(index)
        elif kind == "PDI" and opened:
            yield opened.pop(), index


class _Embeddings:
    """Stack of the embeddings and isolates that are open, each with its level, override and kind (X1 to X8)."""

    def __init__(self, base: int) -> None:
        self.stack = [(base, "", False)]
        self._isolates = self._lost_isolates = self._lost_embeddings = 0

    def open(self, kind: str, *, is_rtl: bool) -> None:
        """Open an embedding or isolate, or count it as lost if it would be too deep."""
        level = self.stack[-1][0]
        following = (level + 1) | 1 if is_rtl else (level + 2) & ~1
        if following <= _DEEPEST and not self._lost_isolates and not self._lost_embeddings:
            self._isolates += kind in _ISOLATES
            self.stack.append((following, _EMBEDDINGS.get(kind, ""), kind in _ISOLATES))
        elif kind in _ISOLATES:
            self._lost_isolates += 1
        elif not self._lost_isolates:
            self._lost_embeddings += 1

    def close_isolate(self) -> None:
        """Close the last isolate with all embeddings in it."""
        if self._lost_isolates:
            self._lost_isolates -= 1
        elif self._isolates:
            self._lost_embeddings = 0
            self._isolates -= 1
            while not self.stack.pop()[2]:
                pass

    def close_embedding(self) -> None:
        """Close the last embedding, unless an isolate was opened in it."""
        if not self._lost_isolates and self._lost_embeddings:
            self._lost_embeddings -= 1
        elif not self._lost_isolates and len(self.stack) > 1 and not self.stack[-1][2]:
            self.stack.pop()


def _explicit(text: str, kinds: list[str], partners: dict[int, int], base: int) -> tuple[list[int], list[str]]:
    """Return the explicit levels and the kinds after overrides."""
    embeddings = _Embeddings(base)
    levels, result = [base] * len(kinds), list(kinds)
    for index, kind in enumerate(kinds):
        if kind == "PDI":
            embeddings.close_isolate()
        elif kind == "PDF":
            embeddings.close_embedding()
        level, override, _ = embeddings.stack[-1]
        if kind not in _REMOVED and kind != "B":
            levels[index], result[index] = level, override or kind
        if kind in _ISOLATES or kind in _EMBEDDINGS:
            inside = text[index + 1 : partners.get(index)]
            is_rtl = bool(base_level(inside)) if kind == "FSI" else kind[0] == "R"
            embeddings.open(kind, is_rtl=is_rtl)
    return levels, result


def _sequences(
    kinds: Sequence[str], partners: dict[int, int], levels: Sequence[int], kept: Sequence[int], base: int
) -> Iterator[tuple[list[int], str, str]]:
    """Yield each isolating run sequence: its indices, and the directions at its start and end (X10)."""
    runs = {run[0]: run for _, group in groupby(kept, key=levels.__getitem__) if (run := list(group))}
    outside = {index: (before, after) for before, index, after in zip([-1, *kept], kept, [*kept[1:], -1], strict=False)}
    closing = set(partners.values())
    for first, run in runs.items():
        if first in closing:
            continue
        sequence = list(run)
        while kinds[sequence[-1]] in _ISOLATES and partners.get(sequence[-1]) in runs:
            sequence += runs[partners[sequence[-1]]]
        before, after = outside[sequence[0]][0], outside[sequence[-1]][1]
        if kinds[sequence[-1]] in _ISOLATES:
            after = -1
        ends = (base if index < 0 else levels[index] for index in (before, after))
        start, end = ("R" if max(level, levels[first]) % 2 else "L" for level in ends)
        yield sequence, start, end


def _resolve_weak(run: list[str], start: str) -> None:
    """Apply the rules W1 to W7 to the kinds of a sequence."""
    before, strong = start, start
    for index, kind in enumerate(run):
        if kind == "NSM":  # W1
            run[index] = "ON" if before in _ISOLATES | {"PDI"} else before
        before = run[index]
    for index, kind in enumerate(run):
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "AL":  # W2
            run[index] = "AN"
    run[:] = ["R" if kind == "AL" else kind for kind in run]  # W3
    for index in range(1, len(run) - 1):
        sides = {run[index - 1], run[index + 1]}
        if (run[index] == "CS" and sides in ({"EN"}, {"AN"})) or (run[index] == "ES" and sides == {"EN"}):
            run[index] = run[index - 1]  # W4
    position = 0
    for kind, group in groupby(list(run)):
        end = position + len(list(group))
        if kind == "ET" and ("EN" in run[max(0, position - 1) : position] or "EN" in run[end : end + 1]):
            run[position:end] = ["EN"] * (end - position)  # W5
        position = end
    run[:] = ["ON" if kind in {"ES", "ET", "CS"} else kind for kind in run]  # W6
    strong = start
    for index, kind in enumerate(run):
        if kind in {"L", "R"}:
            strong = kind
        elif kind == "EN" and strong == "L":
            run[index] = "L"  # W7


def _resolve_brackets(run: list[str], text: Sequence[str], original: Sequence[str], level: int, start: str) -> None:
    """Give both brackets of a pair the direction of their content or context (N0)."""
    embedding, opposite = ("R", "L") if level % 2 else ("L", "R")
    for opening, closing in sorted(_bracket_pairs(run, text)):
        inside = {_side(kind) for kind in run[opening + 1 : closing]}
        if embedding in inside:
            direction = embedding
        elif opposite in inside:
            context = next((side for kind in reversed(run[:opening]) if (side := _side(kind))), start)
            direction = opposite if context == opposite else embedding
        else:
            continue
        for bracket in (opening, closing):
            run[bracket] = direction
            for index in range(bracket + 1, len(run)):
                if original[index] != "NSM":
                    break
                run[index] = direction


def _bracket_pairs(run: Sequence[str], text: Sequence[str]) -> list[tuple[int, int]]:
    """Return the indices of the paired brackets (BD16)."""
    pairs: list[tuple[int, int]] = []
    opened: list[tuple[str, int]] = []
    for index, character in enumerate(text):
        if run[index] != "ON" or not unicodedata.mirrored(character):
            continue
        category = unicodedata.category(character)
        if category == "Ps":
            if len(opened) == _MOST_BRACKETS:
                return []
            opened.append((_DISTANT_PAIRS.get(character, chr(ord(character) + 1)), index))
        elif category == "Pe":
            place = next((place for place in reversed(range(len(opened))) if opened[place][0] == character), None)
            if place is not None:
                pairs.append((opened[place][1], index))
                del opened[place:]
    return pairs


def _side(kind: str) -> str:
    """Return the direction of a kind for neutral characters, or an empty text: numbers count as right to left."""
    return "R" if kind in {"R", "EN", "AN"} else "L" if kind == "L" else ""


def _resolve_neutral(run: list[str], level: int, start: str, end: str) -> None:
    """Give neutral characters the direction of both sides, or of the embedding if these differ (N1, N2)."""
    position = 0
    for is_neutral, group in groupby(list(run), key=_NEUTRAL.__contains__):
        after = position + len(list(group))
        if is_neutral:
            left = _side(run[position - 1]) if position else start
            right = _side(run[after]) if after < len(run) else end
            direction = left if left == right else "R" if level % 2 else "L"
            run[position:after] = [direction] * (after - position)
        position = after
