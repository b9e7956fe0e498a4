"""Colours of sketches: contrast, hue and conversion."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videojobs.domain.request import Style
from videojobs_sketch.colour import Colour, between, contrast
from videojobs_sketch.palette import make_palette, rng_for


@settings(max_examples=60, deadline=None)
@given(prompt=st.text(max_size=40), style=st.sampled_from(Style), page=st.integers(0, 9))
def test_text_is_legible_on_every_colour_of_any_prompt(prompt, style, page):
    palette = make_palette(prompt, style).with_background(page)
    for colour in (palette.background, *palette.shapes):
        assert contrast(palette.text, colour) >= 4.5


@pytest.mark.parametrize(
    ("prompt", "low", "high"),
    [("the deep blue ocean", 210, 275), ("a red rose", 0, 45), ("green forest", 120, 170), ("purple haze", 290, 320)],
)
@pytest.mark.parametrize("style", Style)
def test_a_colour_word_in_the_prompt_determines_the_background(prompt, low, high, style):
    assert low <= make_palette(prompt, style).background.hue <= high


def test_night_is_dark_and_snow_is_light():
    for style in Style:
        assert make_palette("a city at night", style).is_dark
        assert not make_palette("fresh snow", style).is_dark


def test_the_random_generator_depends_only_on_its_seed():
    assert rng_for("a", 1).random() == rng_for("a", 1).random()
    assert rng_for("a", 1).random() != rng_for("a", 2).random()


def test_colours_are_converted_according_to_bt_709():
    assert Colour(1, 0, 0).ink().luma == 235
    assert Colour(0, 0, 0).ink().luma == 16
    red = Colour(0.628, 0.2577, 29.23).ink()
    assert (red.luma, red.blue, red.red) == pytest.approx((63, 102, 240), abs=2)
    assert contrast(Colour(1, 0, 0), Colour(0, 0, 0)) == pytest.approx(21, abs=0.1)


def test_two_hues_are_mixed_along_the_shorter_way():
    assert between(Colour(0.5, 0.1, 350), Colour(0.5, 0.1, 30), 0.5).hue == pytest.approx(10)
