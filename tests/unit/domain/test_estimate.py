"""What can be said of a job's future."""

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
def test_jobs_of_one_style_and_about_one_length_take_about_as_long(duration: float | None, kind: str) -> None:
    assert timing_kind(a_job(duration=duration, style=Style.FUN)) == kind


def test_what_the_express_server_stored_as_a_duration_is_no_reason_to_fail() -> None:
    assert timing_kind(a_job(duration="eight", style="sepia")) == "sepia:60"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, 1), (0, 1), (0.2, 1), (9.1, 10), (10, 10), (10.1, 15), (58, 60), (60, 60), (60.5, 75), (100, 105)],
)
def test_a_time_is_said_the_coarser_the_longer_it_is(seconds: float, said: int) -> None:
    assert round_up(seconds) == said


@given(st.floats(0.001, 10_000))
def test_a_time_is_never_said_too_short(seconds: float) -> None:
    assert round_up(seconds) >= seconds
