"""Prompts for providers: they fit the limit in the provider's own counting, and shortening is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.domain.prompt import STYLE_WORDS, Counting, PromptLimit, fold_prompt
from videojobs.domain.request import Style

WIDE = PromptLimit(5000, Counting.CODE_POINTS)


def test_the_prompt_includes_the_words_of_each_style() -> None:
    for style in Style:
        assert fold_prompt("A boat", style, WIDE).text == f"A boat\n\n{STYLE_WORDS[style]}"


def test_the_prompt_of_each_part_states_its_position() -> None:
    first, second = (fold_prompt("A boat", Style.CALM, WIDE, part=part, parts=2).text for part in (1, 2))
    assert "first of 2" in first
    assert "Shot 2 of 2" in second


@given(
    prompt=st.text(min_size=1, max_size=1000).filter(str.strip),
    counting=st.sampled_from(Counting),
    style=st.sampled_from(Style),
)
def test_a_prompt_fits_the_limit_in_the_counting_of_the_provider(prompt: str, counting: Counting, style: Style) -> None:
    limit = PromptLimit(512, counting)
    folded = fold_prompt(prompt, style, limit)
    assert limit.allows(folded.text)
    assert folded.is_shortened is not folded.text.startswith(f"{prompt}\n\n")


def test_a_prompt_is_shortened_at_a_word_boundary() -> None:
    folded = fold_prompt("One two three " * 40, Style.FUN, PromptLimit(100, Counting.CODE_POINTS))
    prompt = folded.text.partition("…")[0]
    assert folded.is_shortened
    assert prompt.split()[-1] in {"One", "two", "three"}


def test_a_prompt_of_one_long_word_is_cut_inside_the_word() -> None:
    folded = fold_prompt("🎈" * 600, Style.FUN, PromptLimit(200, Counting.UTF16_UNITS))
    assert folded.text.startswith("🎈" * 60)


def test_a_limit_that_is_too_small_raises_value_error() -> None:
    with pytest.raises(ValueError, match="is too small"):
        fold_prompt("A boat", Style.FUN, PromptLimit(20, Counting.CODE_POINTS))
