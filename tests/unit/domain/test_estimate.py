"""Estimates: the kind that timings are recorded under, and the rounding of times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_job
from videojobs.domain.estimate import round_up, timing_kind
from videojobs.domain.request import Style


@pytest.mark.parametrize(
    ("duration", "kind"),
    [(1, "fun:5"), (5, "fun:5"), (5.1, "fun:10"), (40, "fun:40"), (60, "fun:60"), (600, "fun:60"), (None, "fun:60")],
)
def test_jobs_of_one_style_and_similar_duration_share_a_timing_kind(duration: float | None, kind: str) -> None:
    assert timing_kind(a_job(duration=duration, style=Style.FUN)) == kind


def test_an_invalid_duration_of_the_express_server_has_a_timing_kind() -> None:
    assert timing_kind(a_job(duration="eight", style="sepia")) == "sepia:60"


@pytest.mark.parametrize(
    ("seconds", "rounded"),
    [(-3, 1), (0, 1), (0.2, 1), (9.1, 10), (10, 10), (10.1, 15), (58, 60), (60, 60), (60.5, 75), (100, 105)],
)
def test_times_are_rounded_up_more_coarsely_the_longer_they_are(seconds: float, rounded: int) -> None:
    assert round_up(seconds) == rounded


@given(st.floats(0.001, 10_000))
def test_a_time_is_never_rounded_down(seconds: float) -> None:
    assert round_up(seconds) >= seconds
