"""The contract of `RateLimiter`."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import A_USER, ANOTHER_USER, an_id
from tests.fakes.clock import START
from tests.fakes.rates import InMemoryRateLimiter
from videojobs.adapters.mongo.rates import MongoRateLimiter
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit
from videojobs.ports.fairness import RateLimiter

LIMIT = RateLimit("generate", 3)


@pytest.fixture(params=["in memory", "MongoDB"])
def rates(request: pytest.FixtureRequest) -> RateLimiter:
    """Return a rate limiter without calls."""
    if request.param == "in memory":
        return InMemoryRateLimiter()
    return MongoRateLimiter(request.getfixturevalue("connection"))


def test_each_call_returns_the_remaining_calls_and_the_seconds_until_the_reset(rates: RateLimiter) -> None:
    allowances = [rates.count(A_USER, LIMIT, START + timedelta(seconds=10 * number)) for number in range(3)]
    assert allowances == [Allowance(LIMIT, 2, 60), Allowance(LIMIT, 1, 50), Allowance(LIMIT, 0, 40)]


def test_a_call_over_the_limit_is_refused_until_the_window_has_passed(rates: RateLimiter) -> None:
    for number in range(3):
        rates.count(A_USER, LIMIT, START + timedelta(seconds=10 * number))
    with pytest.raises(RateLimited) as refused:
        rates.count(A_USER, LIMIT, START + timedelta(seconds=45.5))
    assert refused.value.retry_after_seconds == 15
    assert rates.count(A_USER, LIMIT, START + timedelta(seconds=60.5)).remaining == 0


def test_a_refused_call_does_not_count(rates: RateLimiter) -> None:
    for _ in range(3):
        rates.count(A_USER, LIMIT, START)
    for number in range(5):
        with pytest.raises(RateLimited):
            rates.count(A_USER, LIMIT, START + timedelta(seconds=number))
    assert rates.count(A_USER, LIMIT, START + WINDOW).remaining == 2


def test_a_user_is_refused_until_the_oldest_call_expires_and_then_again(rates: RateLimiter) -> None:
    for second in (0, 10, 20):
        rates.count(A_USER, LIMIT, START + timedelta(seconds=second))
    for second, pause in ((30, 30), (59.5, 1), (65, 5), (69.9, 1)):
        if second == 65:
            rates.count(A_USER, LIMIT, START + timedelta(seconds=60))
        with pytest.raises(RateLimited) as refused:
            rates.count(A_USER, LIMIT, START + timedelta(seconds=second))
        assert refused.value.retry_after_seconds == pause
    assert rates.count(A_USER, LIMIT, START + timedelta(seconds=70)).remaining == 0


def test_users_and_limits_are_counted_separately(rates: RateLimiter) -> None:
    for _ in range(3):
        rates.count(A_USER, LIMIT, START)
    assert rates.count(ANOTHER_USER, LIMIT, START).remaining == 2
    assert rates.count(A_USER, RateLimit("read", 3), START).remaining == 2


def test_a_changed_limit_applies_at_once(rates: RateLimiter) -> None:
    for _ in range(3):
        rates.count(A_USER, LIMIT, START)
    with pytest.raises(RateLimited):
        rates.count(A_USER, RateLimit("generate", 2), START)
    assert rates.count(A_USER, RateLimit("generate", 5), START).remaining == 1


def test_concurrent_calls_do_not_exceed_the_limit(rates: RateLimiter) -> None:
    limit = RateLimit("read", 10)
    passed: list[Allowance] = []

    def call(_: int) -> None:
        with suppress(RateLimited):
            passed.append(rates.count(A_USER, limit, START))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(40)))
    assert len(passed) == limit.calls


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.integers(0, 30_000), min_size=1, max_size=25))
def test_no_window_contains_more_calls_than_allowed(rates: RateLimiter, gaps: list[int]) -> None:
    now, passed, user = START, [], an_id()  # a new user in each example
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        with suppress(RateLimited):
            rates.count(UserId(user), LIMIT, now)
            passed.append(now)
    assert passed
    for begin in passed:
        assert sum(begin <= at < begin + WINDOW for at in passed) <= LIMIT.calls
