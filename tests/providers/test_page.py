"""The tables in docs/providers.md match the code, and the plans of every provider match the request exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.documentation import ASKED, MODELS_PAGE, PAGE, every_provider, models_page, write
from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND, SIZES, plan_video
from videojobs.domain.production import MAXIMUM_PARTS
from videojobs.domain.request import AspectRatio, Resolution
from videojobs.ports.videos import VideoProvider

PROVIDERS = every_provider()


def test_page_matches_the_adapters() -> None:
    page = PAGE.read_text()
    assert page == write(page), "stale: .venv/bin/python -m tests.providers.documentation"
    assert MODELS_PAGE.read_text() == models_page(), "stale: .venv/bin/python -m tests.providers.documentation"


@given(provider=st.sampled_from(sorted(PROVIDERS)), seconds=st.floats(1, 60), ratio=st.sampled_from(AspectRatio))
def test_every_provider_has_a_plan_that_matches_the_request_exactly(
    provider: str, seconds: float, ratio: AspectRatio
) -> None:
    clips = PROVIDERS[provider].capabilities.clips
    assert clips is not None
    plan = plan_video(seconds, ratio, clips, maximum_clips=MAXIMUM_PARTS)
    assert plan is not None, "each provider must support every request"
    lengths = [int(clip.seconds * FRAMES_PER_SECOND) for clip in plan.clips]
    assert plan.frames == round(seconds * FRAMES_PER_SECOND)
    assert sum(lengths) - CROSS_FADE_FRAMES * (len(lengths) - 1) >= plan.frames
    assert (plan.width, plan.height) == SIZES[Resolution.P720][ratio]
    assert abs(plan.crop[0] / plan.crop[1] - plan.width / plan.height) < 0.01
    assert set(plan.clips) <= set(clips)
    assert len({(clip.width, clip.height) for clip in plan.clips}) == 1


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_prices_have_a_date_and_clips_have_a_size_that_can_be_encoded(provider: VideoProvider) -> None:
    known = provider.capabilities
    assert known.clips
    assert known.yields_pixels
    assert all(clip.width % 2 == clip.height % 2 == 0 and 0 < clip.seconds <= 60 for clip in known.clips)
    prices = [clip.price_usd for clip in known.clips]
    assert all(price is None or price > Decimal(0) for price in prices)
    assert (known.prices_as_of is not None) == any(price is not None for price in prices)


def test_page_contains_the_example_requests() -> None:
    assert all(f"{seconds:g} s {ratio}" in PAGE.read_text() for seconds, ratio in ASKED)
