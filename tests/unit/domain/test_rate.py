"""Rate limits: the calls that a process may leave out of the shared count."""

import pytest

from videojobs.domain.rate import RateLimit, uncounted_calls


@pytest.mark.parametrize(("calls", "uncounted"), [(1, 0), (4, 0), (5, 1), (100, 20), (600, 120), (10_000, 120)])
def test_a_process_leaves_out_a_fifth_of_a_limit_and_at_most_120_calls(calls: int, uncounted: int) -> None:
    assert uncounted_calls(RateLimit("read", calls)) == uncounted
