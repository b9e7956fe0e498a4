"""Typesetting: which words are drawn, in which order, and that they fit."""

from dataclasses import replace
from itertools import pairwise

import pytest

from videojobs_sketch.fonts import Face
from videojobs_sketch.typesetting import Page, Setting, fit, paginate, place
from videojobs_sketch.words import drawable_words

SETTING = Setting(width=900, height=400, largest=200, smallest=40, most_lines=5, leading=1.2)
PROMPT = "The quick brown fox jumps over the lazy dog while the moon rises above the quiet harbour. "


def text_of(page: Page) -> str:
    """Return the text of a page in reading order."""
    words = [word for line in page.lines for word in line.words]
    runs = [(word.glued, reversed(word.runs) if word.is_rtl else word.runs) for word in words]
    return "".join(("" if glued else " ") + "".join(run.text for run in parts) for glued, parts in runs).strip()


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Hello, world!", ["Hello,", "world!"]),
        ("Party 🎉 time", ["Party", "time"]),
        ("a\u0000b\u202ec", ["a", "bc"]),
        ("\u0301 stray \u0301accent", ["stray", "accent"]),
        ("e\u0301te\u0301", ["été"]),
        ("Привет Γειά", ["Привет", "Γειά"]),
        ("\ufe0f\u20e3 \u200d", []),
        ("", []),
    ],
)
def test_only_characters_of_the_typeface_are_set(prompt, words, face):
    assert ["".join(run.text for run in word.runs) for word in drawable_words(prompt, face)] == words


@pytest.mark.parametrize(
    "prompt", ["今日は天気がいい", "你好世界", "안녕하세요", "नमस्ते", "สวัสดี", "مرحبا", "שלום", "Ünïcödé", "→ €5 ½"]
)
@pytest.mark.parametrize("face", Face)
def test_the_supported_scripts_lose_no_character(prompt, face):
    words = drawable_words(prompt, face)
    assert "".join(run.text for word in words for run in word.runs) == prompt.replace(" ", "")


def test_small_words_stay_with_the_following_word():
    page = fit(
        drawable_words("Lavender fields in the summer wind", Face.BOOK), replace(SETTING, most_lines=2, height=300)
    )
    assert page is not None
    assert [line.words[-1].runs[0].text for line in page.lines] == ["fields", "wind"]


def test_a_page_does_not_end_with_a_small_word():
    pages = paginate(drawable_words("A paper boat sails across the city after the rain", Face.DISPLAY), 2, SETTING)
    assert list(map(text_of, pages)) == ["A paper boat sails", "across the city after the rain"]


def test_a_very_long_word_is_broken():
    words = drawable_words("x" * 100, Face.DISPLAY)
    assert len(words) > 4
    assert [word.glued for word in words] == [False] + [True] * (len(words) - 1)


def test_a_long_word_is_never_broken_before_an_accent():
    words = drawable_words("n\u0303\u0323" * 60, Face.DISPLAY)
    assert all(word.runs[0].text[0].isalpha() for word in words)


def test_the_pages_contain_all_words_if_they_fit():
    pages = paginate(drawable_words(PROMPT, Face.BOOK), 3, SETTING)
    assert len(pages) == 3
    assert " ".join(map(text_of, pages)) == PROMPT.strip()


def test_text_that_does_not_fit_ends_with_an_ellipsis_and_stays_legible():
    pages = paginate(drawable_words(PROMPT * 11, Face.BOOK), 2, SETTING)
    assert len(pages) == 2
    assert text_of(pages[-1]).endswith("…")
    assert all(page.size >= SETTING.smallest for page in pages)


@pytest.mark.parametrize("prompt", [PROMPT, "I", "x" * 500, PROMPT * 11, "今日は天気がいいから散歩しましょう" * 8])
@pytest.mark.parametrize("face", Face)
def test_text_stays_within_its_box(prompt, face):
    for page in paginate(drawable_words(prompt, face), 2, SETTING):
        for item in place(page, SETTING, 500, 300):
            lettering = item.word.lettering(page.size)
            left = item.x + lettering.left
            assert left >= 50 - 0.15 * page.size
            assert left + lettering.stencil.width <= 950 + 0.15 * page.size
            assert item.baseline + lettering.top >= 100 - 0.5 * page.size
            assert item.baseline + lettering.top + lettering.stencil.height <= 500 + 0.5 * page.size


def test_the_words_of_a_line_do_not_overlap():
    page = fit(drawable_words(PROMPT, Face.DISPLAY), SETTING)
    assert page is not None
    placed = place(page, SETTING, 500, 300)
    for one, other in pairwise(placed):
        if one.baseline == other.baseline:
            assert one.x + one.word.width * page.size <= other.x + 0.01


@pytest.mark.parametrize(
    ("prompt", "order"),
    [("שלום hello world עולם", [3, 1, 2, 0]), ("hello שלום עולם world", [0, 2, 1, 3]), ("one two", [0, 1])],
)
def test_hebrew_runs_from_right_to_left_and_english_from_left_to_right(prompt, order):
    page = fit(drawable_words(prompt, Face.BOOK), replace(SETTING, most_lines=1))
    assert page is not None
    placed = place(page, SETTING, 500, 300)
    assert [item.order for item in sorted(placed, key=lambda item: item.x)] == order


def test_every_line_of_a_hebrew_page_runs_from_right_to_left():
    page = fit(drawable_words("שלום hello world עולם", Face.BOOK), replace(SETTING, width=400, most_lines=2))
    assert page is not None
    placed = sorted(place(page, SETTING, 500, 300), key=lambda item: (item.baseline, item.x))
    assert [item.order for item in placed] == [1, 0, 3, 2]


def test_arabic_letters_are_joined():
    (joined,) = drawable_words("ببب", Face.DISPLAY)
    single = drawable_words("ب ب ب", Face.DISPLAY)
    assert joined.width < 0.9 * sum(word.width for word in single)


def test_a_page_whose_text_would_be_too_small_is_refused():
    assert fit(drawable_words(PROMPT * 3, Face.DISPLAY), SETTING) is None
