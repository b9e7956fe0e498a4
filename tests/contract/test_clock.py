"""The contract of `Clock`."""

from datetime import UTC, timedelta

import pytest

from tests.fakes.clock import VirtualClock
from videojobs.adapters.clock import SystemClock
from videojobs.ports.jobs import Clock


@pytest.fixture(params=[VirtualClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Return a new clock of each kind."""
    new_clock: Clock = request.param()
    return new_clock


def test_the_time_is_in_utc_with_whole_milliseconds(clock: Clock) -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0


def test_the_time_advances(clock: Clock) -> None:
    before = clock.now()
    if isinstance(clock, VirtualClock):
        clock.advance(0.0015)
    assert clock.now() >= before
    assert clock.now() - before < timedelta(minutes=1)
