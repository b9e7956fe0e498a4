"""The contract of `Clock`."""

from datetime import UTC, timedelta

import pytest

from tests.fakes.clock import VirtualClock
from videojobs.adapters.clock import SystemClock
from videojobs.ports.jobs import Clock


@pytest.fixture(params=[VirtualClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """A clock that was just made."""
    made: Clock = request.param()
    return made


def test_the_time_is_utc_in_whole_milliseconds_as_mongodb_holds_it(clock: Clock) -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_the_time_goes_on(clock: Clock) -> None:
    before = clock.now()
    if isinstance(clock, VirtualClock):
        clock.advance(0.0015)
    assert clock.now() >= before
    assert clock.now() - before < timedelta(minutes=1)
