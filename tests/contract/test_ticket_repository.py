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
EXPIRES_AT = START + timedelta(seconds=30)


@pytest.fixture(params=["in memory", "MongoDB"])
def tickets(request: pytest.FixtureRequest) -> TicketRepository:
    """Return a repository with one ticket, whose digest is `d`."""
    if request.param == "in memory":
        repository: TicketRepository = InMemoryTicketRepository()
    else:
        repository = MongoTicketRepository(request.getfixturevalue("connection"))
    repository.add("d", IDENTITY, EXPIRES_AT)
    return repository


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[TicketRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        fake = InMemoryTicketRepository()
        fake.available = False
        yield fake
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoTicketRepository(connection)
    connection.run(lambda database: database.client.close())


def test_a_ticket_returns_the_identity_it_was_issued_for(tickets: TicketRepository) -> None:
    assert tickets.redeem("d", START) == IDENTITY


def test_a_ticket_can_be_redeemed_once(tickets: TicketRepository) -> None:
    tickets.redeem("d", START)
    assert tickets.redeem("d", START) is None


def test_an_unknown_ticket_is_not_redeemed(tickets: TicketRepository) -> None:
    assert tickets.redeem("e", START) is None
    assert tickets.redeem("d", START) == IDENTITY


@pytest.mark.parametrize("seconds_too_late", [0, 1])
def test_an_expired_ticket_is_not_redeemed(tickets: TicketRepository, seconds_too_late: int) -> None:
    assert tickets.redeem("d", EXPIRES_AT + timedelta(seconds=seconds_too_late)) is None


def test_one_of_sixteen_concurrent_redemptions_succeeds(tickets: TicketRepository) -> None:
    with ThreadPoolExecutor(16) as pool:
        redeemed = list(pool.map(lambda _: tickets.redeem("d", START), range(16)))
    assert [identity for identity in redeemed if identity] == [IDENTITY]


@pytest.mark.parametrize(
    "call", [lambda tickets: tickets.add("d", IDENTITY, EXPIRES_AT), lambda tickets: tickets.redeem("d", START)]
)
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: TicketRepository, call: Callable[[TicketRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
