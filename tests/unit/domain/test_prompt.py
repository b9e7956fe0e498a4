"""Prompts for providers: they fit the limit in the provider's own counting, and shortening is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.domain.prompt import STYLE_WORDS, Counting, PromptLimit, fold_prompt, is_visible
from videojobs.domain.request import Style

WIDE = PromptLimit(5000, Counting.CODE_POINTS)

FILLERS = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\ufe00\ufe0f\U000e0100\U0001d159"


@pytest.mark.parametrize(
    "character", [*" \t\n\0\x7f\x85\u3000\u2028\u200b\u202e\ufeff\u00ad\U000e0041", *FILLERS], ids=ascii
)
def test_white_space_controls_formats_and_fillers_are_invisible(character: str) -> None:
    assert not is_visible(character)


@pytest.mark.parametrize("character", "a.ä文ب\u0301\u2801\ufffd\ue000🛶🏽", ids=ascii)
def test_letters_marks_and_symbols_are_visible(character: str) -> None:
    assert is_visible(character)


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
