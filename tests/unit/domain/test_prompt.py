"""What a provider is told: it fits in the provider's own counting, and what is left out is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.domain.prompt import STYLE_WORDS, Counting, PromptLimit, fold_prompt
from videojobs.domain.request import Style

WIDE = PromptLimit(5000, Counting.CODE_POINTS)


def test_every_style_has_words_and_they_are_said() -> None:
    for style in Style:
        assert fold_prompt("A boat", style, WIDE).text == f"A boat\n\n{STYLE_WORDS[style]}"


def test_each_part_says_which_it_is() -> None:
    first, second = (fold_prompt("A boat", Style.CALM, WIDE, part=part, parts=2).text for part in (1, 2))
    assert "first of 2" in first
    assert "Shot 2 of 2" in second


@given(
    prompt=st.text(min_size=1, max_size=1000).filter(str.strip),
    counting=st.sampled_from(Counting),
    style=st.sampled_from(Style),
)
def test_it_fits_in_the_providers_own_counting(prompt: str, counting: Counting, style: Style) -> None:
    limit = PromptLimit(512, counting)
    folded = fold_prompt(prompt, style, limit)
    assert limit.allows(folded.text)
    assert folded.is_shortened is not folded.text.startswith(f"{prompt}\n\n")


def test_it_is_shortened_at_a_word() -> None:
    folded = fold_prompt("One two three " * 40, Style.FUN, PromptLimit(100, Counting.CODE_POINTS))
    words = folded.text.partition("…")[0]
    assert folded.is_shortened
    assert words.split()[-1] in {"One", "two", "three"}


def test_one_endless_word_is_cut_where_it_must_be() -> None:
    folded = fold_prompt("🎈" * 600, Style.FUN, PromptLimit(200, Counting.UTF16_UNITS))
    assert folded.text.startswith("🎈" * 60)


def test_a_limit_without_room_is_no_limit_to_work_with() -> None:
    with pytest.raises(ValueError, match="is too small"):
        fold_prompt("A boat", Style.FUN, PromptLimit(20, Counting.CODE_POINTS))
