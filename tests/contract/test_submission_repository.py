"""The contract of `SubmissionRepository`."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pymongo
import pytest

from tests.fakes.clock import START
from tests.fakes.submissions import InMemorySubmissionRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.submissions import MongoSubmissionRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import CACHE_SECONDS, OPEN, SubmissionState
from videojobs.ports.jobs import SubmissionRepository

PAUSED = SubmissionState(START, "a flood", 120)
LATER = START + timedelta(hours=1)


@pytest.fixture(params=["in memory", "MongoDB"])
def open_submissions(request: pytest.FixtureRequest) -> Callable[[], SubmissionRepository]:
    """Return a function that opens the repository as a new process does."""
    if request.param == "in memory":
        submissions = InMemorySubmissionRepository()
        return lambda: submissions
    connection = request.getfixturevalue("connection")
    return lambda: MongoSubmissionRepository(connection)


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[SubmissionRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        fake = InMemorySubmissionRepository()
        fake.available = False
        yield fake
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoSubmissionRepository(connection)
    connection.run(lambda database: database.client.close())


def pause(submissions: SubmissionRepository) -> SubmissionState:
    """Pause submissions with the reason and the retry time of `PAUSED`."""
    return submissions.pause(START, reason="a flood", retry_after_seconds=120)


def test_submissions_are_open_until_they_are_paused(open_submissions: Callable[[], SubmissionRepository]) -> None:
    assert open_submissions().read(START) == OPEN
    assert not OPEN.is_paused


def test_every_process_sees_a_pause_and_its_end(open_submissions: Callable[[], SubmissionRepository]) -> None:
    assert pause(open_submissions()) == PAUSED
    assert open_submissions().read(LATER) == PAUSED
    open_submissions().resume()
    assert open_submissions().read(LATER) == OPEN


def test_the_process_that_pauses_sees_it_at_once(open_submissions: Callable[[], SubmissionRepository]) -> None:
    submissions = open_submissions()
    assert submissions.read(START) == OPEN
    assert pause(submissions) == PAUSED
    assert submissions.read(START) == PAUSED
    submissions.resume()
    assert submissions.read(START) == OPEN


def test_a_repeated_pause_keeps_its_start_and_takes_the_newest_reason(
    open_submissions: Callable[[], SubmissionRepository],
) -> None:
    pause(open_submissions())
    repeated = open_submissions().pause(LATER, reason="a leak", retry_after_seconds=5)
    assert repeated == SubmissionState(START, "a leak", 5)
    open_submissions().resume()
    open_submissions().resume()
    assert open_submissions().pause(LATER, reason="", retry_after_seconds=5).paused_at == LATER


def test_a_running_process_sees_a_change_after_its_cache_has_expired(connection: MongoConnection) -> None:
    worker, operator = MongoSubmissionRepository(connection), MongoSubmissionRepository(connection)
    assert worker.read(START) == OPEN
    pause(operator)
    assert worker.read(START + timedelta(seconds=CACHE_SECONDS, milliseconds=-1)) == OPEN
    assert worker.read(START + timedelta(seconds=CACHE_SECONDS)) == PAUSED


def test_a_clock_that_was_set_back_does_not_extend_the_cache(connection: MongoConnection) -> None:
    worker = MongoSubmissionRepository(connection)
    worker.read(LATER)
    pause(MongoSubmissionRepository(connection))
    assert worker.read(START) == PAUSED


@pytest.mark.parametrize(
    "call",
    [lambda submissions: submissions.read(START), pause, lambda submissions: submissions.resume()],
    ids=["read", "pause", "resume"],
)
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: SubmissionRepository, call: Callable[[SubmissionRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
