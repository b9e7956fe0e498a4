"""The contract of `SubmissionRepository`."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pymongo
import pytest

from tests.fakes.clock import START
from tests.fakes.submissions import InMemorySubmissionRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.submissions import CACHE_SECONDS, MongoSubmissionRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import OPEN, SubmissionState
from videojobs.ports.jobs import SubmissionRepository

PAUSED = SubmissionState(START, "a flood", 120)
LATER = START + timedelta(hours=1)


@pytest.fixture(params=["in memory", "MongoDB"])
def open_intake(request: pytest.FixtureRequest) -> Callable[[], SubmissionRepository]:
    """Opens the same switch anew, as another process does."""
    if request.param == "in memory":
        submissions = InMemorySubmissionRepository()
        return lambda: submissions
    connection = request.getfixturevalue("connection")
    return lambda: MongoSubmissionRepository(connection)


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[SubmissionRepository]:
    """A repository behind which nothing answers."""
    if request.param == "in memory":
        down = InMemorySubmissionRepository()
        down.available = False
        yield down
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoSubmissionRepository(connection)
    connection.run(lambda database: database.client.close())


def pause(submissions: SubmissionRepository) -> SubmissionState:
    """As the tests do it."""
    return submissions.pause(START, reason="a flood", retry_after_seconds=120)


def test_the_intake_is_open_until_somebody_pauses_it(open_intake: Callable[[], SubmissionRepository]) -> None:
    assert open_intake().read(START) == OPEN
    assert not OPEN.is_paused


def test_every_process_sees_a_pause_and_its_end(open_intake: Callable[[], SubmissionRepository]) -> None:
    assert pause(open_intake()) == PAUSED
    assert open_intake().read(LATER) == PAUSED
    open_intake().resume()
    assert open_intake().read(LATER) == OPEN


def test_whoever_pauses_sees_it_at_once(open_intake: Callable[[], SubmissionRepository]) -> None:
    submissions = open_intake()
    assert submissions.read(START) == OPEN
    assert pause(submissions) == PAUSED
    assert submissions.read(START) == PAUSED
    submissions.resume()
    assert submissions.read(START) == OPEN


def test_a_pause_that_is_repeated_lasts_since_the_first_for_the_newest_reason(
    open_intake: Callable[[], SubmissionRepository],
) -> None:
    pause(open_intake())
    again = open_intake().pause(LATER, reason="a leak", retry_after_seconds=5)
    assert again == SubmissionState(START, "a leak", 5)
    open_intake().resume()
    open_intake().resume()
    assert open_intake().pause(LATER, reason="", retry_after_seconds=5).paused_at == LATER


def test_a_running_process_sees_a_change_a_few_seconds_later_and_asks_no_sooner(connection: MongoConnection) -> None:
    running, operator = MongoSubmissionRepository(connection), MongoSubmissionRepository(connection)
    assert running.read(START) == OPEN
    pause(operator)
    assert running.read(START + CACHE_SECONDS - timedelta(milliseconds=1)) == OPEN
    assert running.read(START + CACHE_SECONDS) == PAUSED


def test_a_clock_that_was_set_back_does_not_keep_an_old_answer(connection: MongoConnection) -> None:
    running = MongoSubmissionRepository(connection)
    running.read(LATER)
    pause(MongoSubmissionRepository(connection))
    assert running.read(START) == PAUSED


@pytest.mark.parametrize(
    "call",
    [lambda submissions: submissions.read(START), pause, lambda submissions: submissions.resume()],
    ids=["read", "pause", "resume"],
)
def test_every_call_says_so_when_nothing_answers(
    unreachable: SubmissionRepository, call: Callable[[SubmissionRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
