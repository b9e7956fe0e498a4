"""Reads that are counted in the process first: the bound of uncounted reads, and the memory."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, an_id
from tests.fakes.clock import START
from tests.fakes.rates import InMemoryRateLimiter
from videojobs.adapters.reads import MAXIMUM_USERS, LocalFirstReadLimiter
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import MAXIMUM_UNCOUNTED_CALLS, WINDOW, RateLimit

LIMIT = RateLimit("read", 600)


class CountingRateLimiter(InMemoryRateLimiter):
    """Rate limiter that records the users of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[UserId] = []

    def count(self, user_id, limit, now):
        self.counted.append(user_id)
        return super().count(user_id, limit, now)


def read(limiter: LocalFirstReadLimiter, times: int, at: datetime = START, limit: RateLimit = LIMIT) -> int:
    """Read so many times at once; return how many reads were not refused."""
    passed = 0
    for _ in range(times):
        with suppress(RateLimited):
            limiter.count(A_USER, limit, at)
            passed += 1
    return passed


def test_the_first_reads_within_a_minute_are_counted_only_in_the_process() -> None:
    shared = CountingRateLimiter()
    limiter = LocalFirstReadLimiter(shared)
    read(limiter, MAXIMUM_UNCOUNTED_CALLS)
    assert shared.counted == []
    limiter.count(A_USER, LIMIT, START + WINDOW - timedelta(milliseconds=1))
    limiter.count(ANOTHER_USER, LIMIT, START)
    assert shared.counted == [A_USER]


def test_a_user_whose_reads_are_spread_is_never_counted_in_mongodb() -> None:
    shared = CountingRateLimiter()
    limiter = LocalFirstReadLimiter(shared)
    for number in range(1000):
        limiter.count(A_USER, LIMIT, START + number * WINDOW / MAXIMUM_UNCOUNTED_CALLS)
    assert shared.counted == []


def test_a_user_who_reads_all_the_time_is_counted_in_mongodb_all_the_time() -> None:
    shared = CountingRateLimiter()
    limiter = LocalFirstReadLimiter(shared)
    for second in range(180):
        read(limiter, 3, START + timedelta(seconds=second))
    assert len(shared.counted) == 180 * 3 - MAXIMUM_UNCOUNTED_CALLS


@pytest.mark.parametrize("processes", [1, 3])
def test_each_process_leaves_out_at_most_its_uncounted_reads(processes: int) -> None:
    shared = InMemoryRateLimiter()
    passed = sum(read(LocalFirstReadLimiter(shared), 1000) for _ in range(processes))
    assert passed == LIMIT.calls + processes * MAXIMUM_UNCOUNTED_CALLS


@pytest.mark.parametrize(("calls", "uncounted"), [(1, 0), (4, 0), (5, 1), (100, 20)])
def test_a_low_limit_leaves_out_fewer_reads(calls: int, uncounted: int) -> None:
    passed = read(LocalFirstReadLimiter(InMemoryRateLimiter()), 1000, limit=RateLimit("read", calls))
    assert passed == calls + uncounted


def test_a_refused_read_reports_when_to_try_again() -> None:
    shared = InMemoryRateLimiter()
    limiter = LocalFirstReadLimiter(shared)
    read(limiter, LIMIT.calls + MAXIMUM_UNCOUNTED_CALLS)
    with pytest.raises(RateLimited) as refused:
        limiter.count(A_USER, LIMIT, START + timedelta(seconds=20))
    assert refused.value.retry_after_seconds == 40


def test_users_without_a_read_in_the_last_minute_take_no_memory() -> None:
    limiter = LocalFirstReadLimiter(InMemoryRateLimiter())
    for second in range(600):
        limiter.count(UserId(an_id()), LIMIT, START + timedelta(seconds=second))
        assert limiter.users <= WINDOW.total_seconds()


def test_users_over_the_maximum_are_counted_in_mongodb_until_others_are_forgotten() -> None:
    shared = CountingRateLimiter()
    limiter = LocalFirstReadLimiter(shared)
    for _ in range(MAXIMUM_USERS):
        limiter.count(UserId(an_id()), LIMIT, START)
    limiter.count(A_USER, LIMIT, START)
    assert (limiter.users, shared.counted) == (MAXIMUM_USERS, [A_USER])
    limiter.count(A_USER, LIMIT, START + WINDOW)
    assert (limiter.users, shared.counted) == (1, [A_USER])
