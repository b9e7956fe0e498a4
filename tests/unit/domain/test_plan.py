"""The planner: every plan meets its request exactly, and no cheaper plan exists."""

from decimal import Decimal
from itertools import chain, combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND, SIZES, Clip, Plan, plan_video
from videojobs.domain.request import AspectRatio, Resolution

RUNWAY = [Clip(1280, 720, seconds, Decimal("0.12") * seconds) for seconds in range(2, 11)]
"""Clips of gen4.5: 2 to 10 seconds, in steps of a second."""
VEO = [Clip(1280, 720, seconds, Decimal("0.40") * seconds) for seconds in (4, 6, 8)]

seconds = st.one_of(st.integers(1, 60), st.floats(1, 60))
ratios = st.sampled_from(AspectRatio)
sizes = st.tuples(st.integers(128, 2048), st.integers(128, 2048))
lengths = st.one_of(st.integers(1, 15), st.sampled_from([1.5, 5.3]))
prices = st.one_of(st.none(), st.decimals("0.01", "9", places=2))
clips = st.builds(lambda size, length, price: Clip(*size, length, price), sizes, lengths, prices)


@given(seconds=seconds, ratio=ratios, offer=st.lists(clips, min_size=1, max_size=12))
def test_every_plan_meets_its_request_exactly(seconds: float, ratio: AspectRatio, offer: list[Clip]) -> None:
    plan = plan_video(seconds, ratio, offer, maximum_clips=60)
    if plan is None:
        longest = max(int(clip.seconds * FRAMES_PER_SECOND) for clip in offer)
        assert 60 * (longest - CROSS_FADE_FRAMES) + CROSS_FADE_FRAMES < round(seconds * FRAMES_PER_SECOND)
        return
    width, height = plan.crop
    first = plan.clips[0]
    assert plan.frames == round(seconds * FRAMES_PER_SECOND) <= plan.joined_frames
    assert {(clip.width, clip.height) for clip in plan.clips} == {(first.width, first.height)}
    assert set(plan.clips) <= set(offer)
    assert (plan.width, plan.height) == SIZES[Resolution.P720][ratio]
    assert 0 < width <= first.width
    assert 0 < height <= first.height
    assert width % 2 == height % 2 == 0
    assert abs(width * plan.height - height * plan.width) <= 2 * max(plan.width, plan.height)


def test_a_short_video_is_cut_from_the_shortest_clip() -> None:
    plan = plan_video(1, AspectRatio.SQUARE, RUNWAY, maximum_clips=20)
    assert plan == Plan((RUNWAY[0],), crop=(720, 720), width=960, height=960, frames=24)
    assert plan.price_usd == Decimal("0.24")


@pytest.mark.parametrize(("seconds", "lengths"), [(8, [8]), (8.2, [6, 4]), (13, [8, 6]), (23.5, [8, 8, 6, 4])])
def test_a_long_video_is_joined_from_the_cheapest_clips(seconds: float, lengths: list[int]) -> None:
    plan = plan_video(seconds, AspectRatio.LANDSCAPE, VEO, maximum_clips=20)
    assert plan
    assert [clip.seconds for clip in plan.clips] == lengths


def test_no_plan_exists_if_it_needs_more_clips_than_allowed() -> None:
    assert plan_video(60, AspectRatio.LANDSCAPE, VEO, maximum_clips=7) is None
    assert plan_video(60, AspectRatio.LANDSCAPE, [], maximum_clips=7) is None


@given(seconds=st.integers(1, 12), offer=st.lists(clips, min_size=1, max_size=4))
def test_no_cheaper_plan_exists(seconds: int, offer: list[Clip]) -> None:
    offer = [Clip(640, 360, clip.seconds, clip.price_usd) for clip in offer]
    plan = plan_video(seconds, AspectRatio.LANDSCAPE, offer, maximum_clips=3)
    frames = seconds * FRAMES_PER_SECOND
    combinations = chain.from_iterable(combinations_with_replacement(offer, count) for count in (1, 2, 3))
    feasible = [combination for combination in combinations if _joined(combination) >= frames]
    assert (plan is None) == (not feasible)
    if plan:
        assert _price(plan.clips) == pytest.approx(min(map(_price, feasible)))


def _joined(combination: tuple[Clip, ...]) -> int:
    return sum(int(clip.seconds * FRAMES_PER_SECOND) for clip in combination) - CROSS_FADE_FRAMES * (
        len(combination) - 1
    )


def _price(combination: tuple[Clip, ...]) -> float:
    return float(sum(clip.price_usd or 0 for clip in combination))
