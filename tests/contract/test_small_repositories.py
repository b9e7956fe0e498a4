"""The contracts of `TimingRepository` and `ErasureRepository`."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER
from tests.fakes.clock import START
from tests.fakes.erasures import InMemoryErasureRepository
from tests.fakes.timings import InMemoryTimingRepository
from videojobs.adapters.mongo.erasures import MongoErasureRepository
from videojobs.adapters.mongo.timings import MongoTimingRepository
from videojobs.ports.erasures import ErasureRepository
from videojobs.ports.jobs import TimingRepository

LATER = START + timedelta(seconds=1)


@pytest.fixture(params=["in memory", "MongoDB"])
def open_timings(request: pytest.FixtureRequest) -> Callable[[], TimingRepository]:
    """Return a function that opens the timings as a new process does, without the values cached for a minute."""
    if request.param == "in memory":
        timings = InMemoryTimingRepository()
        return lambda: timings
    connection = request.getfixturevalue("connection")
    return lambda: MongoTimingRepository(connection)


@pytest.fixture(params=["in memory", "MongoDB"])
def erasures(request: pytest.FixtureRequest) -> ErasureRepository:
    """Return a repository without erasures."""
    if request.param == "in memory":
        return InMemoryErasureRepository()
    return MongoErasureRepository(request.getfixturevalue("connection"))


def test_the_usual_duration_is_the_median_of_the_kind(open_timings: Callable[[], TimingRepository]) -> None:
    for seconds in (4, 100, 6):
        open_timings().record("fun:10", seconds)
    open_timings().record("calm:10", 1)
    assert open_timings().usual_seconds("fun:10") == 6
    assert open_timings().usual_seconds("calm:10") == 1


def test_an_unknown_kind_has_no_usual_duration(open_timings: Callable[[], TimingRepository]) -> None:
    assert open_timings().usual_seconds("fun:60") is None


def test_only_recent_durations_are_kept(open_timings: Callable[[], TimingRepository]) -> None:
    for seconds in [1000] * 60 + [2] * 60:
        open_timings().record("fun:10", seconds)
    assert open_timings().usual_seconds("fun:10") == 2


def test_an_erasure_is_found_until_it_is_removed(erasures: ErasureRepository) -> None:
    erasures.add(A_USER, START)
    assert list(erasures.find_all(10)) == [(A_USER, START)]
    erasures.remove(A_USER, START)
    erasures.remove(A_USER, START)
    assert list(erasures.find_all(10)) == []


def test_the_later_of_two_erasures_is_kept_and_not_removed_by_the_earlier(erasures: ErasureRepository) -> None:
    for moment in (START, LATER, START):
        erasures.add(A_USER, moment)
    erasures.remove(A_USER, START)
    assert list(erasures.find_all(10)) == [(A_USER, LATER)]


def test_the_number_of_erasures_is_limited(erasures: ErasureRepository) -> None:
    for user in (A_USER, ANOTHER_USER):
        erasures.add(user, START)
    assert len(list(erasures.find_all(1))) == 1
