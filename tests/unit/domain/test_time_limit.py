"""The time limit of a call: the seconds that the next operation can take, or an error."""

import pytest

from videojobs.domain.errors import Unavailable
from videojobs.domain.time_limit import seconds_left, time_limit


def test_the_rest_of_the_time_is_reduced_by_what_is_kept_and_the_limit_ends_with_its_block() -> None:
    with time_limit(lambda: 5_000, kept_seconds=3):
        assert seconds_left() == 2
        with time_limit(lambda: 4_000):
            assert seconds_left() == 3
        assert seconds_left() == 2
    assert seconds_left() is None


@pytest.mark.parametrize("remaining_ms", [1_000, 999, 0, -50])
def test_no_operation_may_start_when_no_time_is_left(remaining_ms: int) -> None:
    with time_limit(lambda: remaining_ms), pytest.raises(Unavailable):
        seconds_left()
