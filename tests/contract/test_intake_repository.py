"""The contract of `IntakeRepository`."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pymongo
import pytest

from tests.fakes.clock import START
from tests.fakes.intake import InMemoryIntakeRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.intake import REMEMBERED, MongoIntakeRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.intake import OPEN, Intake
from videojobs.ports.jobs import IntakeRepository

PAUSED = Intake(START, "a flood", 120)
LATER = START + timedelta(hours=1)


@pytest.fixture(params=["in memory", "MongoDB"])
def open_intake(request: pytest.FixtureRequest) -> Callable[[], IntakeRepository]:
    """Opens the same switch anew, as another process does."""
    if request.param == "in memory":
        intake = InMemoryIntakeRepository()
        return lambda: intake
    connection = request.getfixturevalue("connection")
    return lambda: MongoIntakeRepository(connection)


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[IntakeRepository]:
    """A repository behind which nothing answers."""
    if request.param == "in memory":
        down = InMemoryIntakeRepository()
        down.available = False
        yield down
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoIntakeRepository(connection)
    connection.run(lambda database: database.client.close())


def pause(intake: IntakeRepository) -> Intake:
    """As the tests do it."""
    return intake.pause(START, reason="a flood", retry_after_seconds=120)


def test_the_intake_is_open_until_somebody_pauses_it(open_intake: Callable[[], IntakeRepository]) -> None:
    assert open_intake().read(START) == OPEN
    assert not OPEN.is_paused


def test_every_process_sees_a_pause_and_its_end(open_intake: Callable[[], IntakeRepository]) -> None:
    assert pause(open_intake()) == PAUSED
    assert open_intake().read(LATER) == PAUSED
    open_intake().resume()
    assert open_intake().read(LATER) == OPEN


def test_whoever_pauses_sees_it_at_once(open_intake: Callable[[], IntakeRepository]) -> None:
    intake = open_intake()
    assert intake.read(START) == OPEN
    assert pause(intake) == PAUSED
    assert intake.read(START) == PAUSED
    intake.resume()
    assert intake.read(START) == OPEN


def test_a_pause_that_is_repeated_lasts_since_the_first_for_the_newest_reason(
    open_intake: Callable[[], IntakeRepository],
) -> None:
    pause(open_intake())
    again = open_intake().pause(LATER, reason="a leak", retry_after_seconds=5)
    assert again == Intake(START, "a leak", 5)
    open_intake().resume()
    open_intake().resume()
    assert open_intake().pause(LATER, reason="", retry_after_seconds=5).paused_at == LATER


def test_a_running_process_sees_a_change_a_few_seconds_later_and_asks_no_sooner(connection: MongoConnection) -> None:
    running, operator = MongoIntakeRepository(connection), MongoIntakeRepository(connection)
    assert running.read(START) == OPEN
    pause(operator)
    assert running.read(START + REMEMBERED - timedelta(milliseconds=1)) == OPEN
    assert running.read(START + REMEMBERED) == PAUSED


def test_a_clock_that_was_set_back_does_not_keep_an_old_answer(connection: MongoConnection) -> None:
    running = MongoIntakeRepository(connection)
    running.read(LATER)
    pause(MongoIntakeRepository(connection))
    assert running.read(START) == PAUSED


@pytest.mark.parametrize(
    "call", [lambda intake: intake.read(START), pause, lambda intake: intake.resume()], ids=["read", "pause", "resume"]
)
def test_every_call_says_so_when_nothing_answers(
    unreachable: IntakeRepository, call: Callable[[IntakeRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
