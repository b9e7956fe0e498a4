"""Backoff after failures."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videojobs.domain.policy import BACKOFF_FIRST, BACKOFF_MOST, backoff


@given(failures=st.integers(1, 10_000))
def test_a_pause_is_random_below_a_ceiling_that_doubles_up_to_a_limit(failures: int) -> None:
    ceiling = min(BACKOFF_FIRST * 2 ** min(failures - 1, 10), BACKOFF_MOST)
    assert timedelta(0) <= backoff(failures) <= ceiling


@given(failures=st.integers(1, 30), requested=st.floats(0, 86_400))
def test_a_pause_is_at_least_as_long_as_the_provider_requested(failures: int, requested: float) -> None:
    assert backoff(failures, requested) >= timedelta(seconds=requested)


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 5), (2, 10), (3, 20), (7, 300), (40, 300)])
def test_pauses_are_spread_over_the_whole_range(failures: int, ceiling: float) -> None:
    state = random.getstate()
    random.seed(7)
    pauses = [backoff(failures).total_seconds() for _ in range(500)]
    random.setstate(state)
    assert min(pauses) < 0.05 * ceiling
    assert 0.95 * ceiling < max(pauses) <= ceiling
