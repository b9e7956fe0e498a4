"""The contract of `Clock`."""

from contextvars import ContextVar
from datetime import UTC, timedelta
from threading import Event, Semaphore

import pytest

from tests.fakes.clock import VirtualClock
from videojobs.adapters.clock import SystemClock
from videojobs.ports.jobs import Clock

SHORT = timedelta(milliseconds=2)
PATIENCE_SECONDS = 30.0
TRACE = ContextVar("TRACE", default="none")


@pytest.fixture(params=[VirtualClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Return a new clock of each kind."""
    new_clock: Clock = request.param()
    return new_clock


def wait_for(clock: Clock, called: Semaphore, times: int = 1) -> None:
    """Wait until an action of `every(SHORT, ...)` has released the semaphore so often; advance a virtual clock."""
    for _ in range(times):
        if isinstance(clock, VirtualClock):
            clock.advance(SHORT.total_seconds())
        assert called.acquire(timeout=PATIENCE_SECONDS)


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


def test_an_action_is_called_at_intervals_while_the_context_is_open(clock: Clock) -> None:
    called, began = Semaphore(0), clock.now()

    def act() -> bool:
        called.release()
        return True

    with clock.every(SHORT, act):
        wait_for(clock, called, times=3)
        assert clock.now() - began >= 3 * SHORT - timedelta(milliseconds=1)


def test_an_action_that_returns_false_is_not_called_again(clock: Clock) -> None:
    stopped, goes_on = list[None](), Semaphore(0)

    def stop() -> bool:
        stopped.append(None)
        return False

    def act() -> bool:
        goes_on.release()
        return True

    with clock.every(SHORT, stop), clock.every(SHORT, act):
        wait_for(clock, goes_on, times=5)
    assert len(stopped) == 1


def test_an_action_is_not_called_after_the_context_was_left_by_an_error(clock: Clock) -> None:
    called, other = list[None](), Semaphore(0)

    def act() -> bool:
        called.append(None)
        other.release()
        return True

    def act_elsewhere() -> bool:
        other.release()
        return True

    def fail() -> None:
        with clock.every(SHORT, act):
            wait_for(clock, other)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    so_far = len(called)
    with clock.every(SHORT, act_elsewhere):
        wait_for(clock, other, times=5)
    assert len(called) == so_far


def test_the_end_of_the_context_waits_for_a_call_in_progress() -> None:
    started, ending, finished = Event(), Event(), list[bool]()

    def act() -> bool:
        started.set()
        finished.append(ending.wait(PATIENCE_SECONDS))
        return True

    with SystemClock().every(SHORT, act):
        assert started.wait(PATIENCE_SECONDS)
        ending.set()
    assert finished[0]


def test_an_action_has_the_context_variables_of_its_caller(clock: Clock) -> None:
    seen, called = list[str](), Semaphore(0)

    def act() -> bool:
        seen.append(TRACE.get())
        called.release()
        return False

    token = TRACE.set("the trace")
    try:
        with clock.every(SHORT, act):
            wait_for(clock, called)
    finally:
        TRACE.reset(token)
    assert seen == ["the trace"]
