"""The contract of `TicketRepository`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pymongo
import pytest

from tests.builders import A_USER
from tests.fakes.clock import START
from tests.fakes.connections import InMemoryTicketRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.connections import MongoTicketRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import Identity
from videojobs.ports.changes import TicketRepository

IDENTITY = Identity(A_USER, START + timedelta(hours=1))
SOON = START + timedelta(seconds=30)


@pytest.fixture(params=["in memory", "MongoDB"])
def tickets(request: pytest.FixtureRequest) -> TicketRepository:
    """One ticket, under the digest `d`."""
    if request.param == "in memory":
        made: TicketRepository = InMemoryTicketRepository()
    else:
        made = MongoTicketRepository(request.getfixturevalue("connection"))
    made.add("d", IDENTITY, SOON)
    return made


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[TicketRepository]:
    """A repository behind which nothing answers."""
    if request.param == "in memory":
        down = InMemoryTicketRepository()
        down.available = False
        yield down
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoTicketRepository(connection)
    connection.run(lambda database: database.client.close())


def test_a_ticket_stands_for_whom_it_was_made(tickets: TicketRepository) -> None:
    assert tickets.redeem("d", START) == IDENTITY


def test_a_ticket_works_once(tickets: TicketRepository) -> None:
    tickets.redeem("d", START)
    assert tickets.redeem("d", START) is None


def test_a_ticket_that_nobody_made_opens_nothing(tickets: TicketRepository) -> None:
    assert tickets.redeem("e", START) is None
    assert tickets.redeem("d", START) == IDENTITY


@pytest.mark.parametrize("seconds_too_late", [0, 1])
def test_a_ticket_that_is_over_opens_nothing(tickets: TicketRepository, seconds_too_late: int) -> None:
    assert tickets.redeem("d", SOON + timedelta(seconds=seconds_too_late)) is None


def test_of_sixteen_with_one_ticket_one_gets_in(tickets: TicketRepository) -> None:
    with ThreadPoolExecutor(16) as pool:
        redeemed = list(pool.map(lambda _: tickets.redeem("d", START), range(16)))
    assert [identity for identity in redeemed if identity] == [IDENTITY]


@pytest.mark.parametrize(
    "call", [lambda tickets: tickets.add("d", IDENTITY, SOON), lambda tickets: tickets.redeem("d", START)]
)
def test_every_call_says_so_when_nothing_answers(
    unreachable: TicketRepository, call: Callable[[TicketRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
