"""The contract of `ConnectionRepository`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pymongo
import pytest

from tests.builders import A_USER, ANOTHER_USER, an_id
from tests.fakes.clock import START
from tests.fakes.connections import InMemoryConnectionRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.connections import MongoConnectionRepository
from videojobs.domain.errors import TooManyConnections, Unavailable
from videojobs.domain.job import UserId
from videojobs.domain.realtime import Connection, ConnectionId
from videojobs.ports.changes import ConnectionRepository

LATER = START + timedelta(hours=1)


def a_connection(user_id: UserId = A_USER, seconds: float = 3600) -> Connection:
    """A connection that is over after so long."""
    return Connection(ConnectionId(f"{uuid4().hex[:8]}="), user_id, START + timedelta(seconds=seconds))


@pytest.fixture(params=["in memory", "MongoDB"])
def connections(request: pytest.FixtureRequest) -> ConnectionRepository:
    """No connection yet."""
    if request.param == "in memory":
        return InMemoryConnectionRepository()
    return MongoConnectionRepository(request.getfixturevalue("connection"))


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[ConnectionRepository]:
    """A repository behind which nothing answers."""
    if request.param == "in memory":
        down = InMemoryConnectionRepository()
        down.available = False
        yield down
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoConnectionRepository(connection)
    connection.run(lambda database: database.client.close())


def test_a_connection_comes_back_as_it_was_stored(connections: ConnectionRepository) -> None:
    stored = a_connection()
    connections.add(stored, at_most=1, now=START)
    assert connections.find(stored.id) == stored
    assert connections.find_of_user(A_USER) == [stored]


def test_a_connection_that_nobody_opened_is_not_there(connections: ConnectionRepository) -> None:
    assert connections.find(a_connection().id) is None


def test_each_user_has_connections_of_their_own(connections: ConnectionRepository) -> None:
    own, other = a_connection(), a_connection(ANOTHER_USER)
    connections.add(own, at_most=1, now=START)
    connections.add(other, at_most=1, now=START)
    assert connections.find_of_user(A_USER) == [own]
    assert connections.find_of_user(ANOTHER_USER) == [other]


def test_subscriptions_add_up_and_a_repeat_adds_nothing(connections: ConnectionRepository) -> None:
    connection, first, second = a_connection(), an_id(), an_id()
    connections.add(connection, at_most=1, now=START)
    assert all(connections.subscribe(connection.id, job_id) for job_id in (first, second, first))
    found = connections.find(connection.id)
    assert found is not None
    assert (found.job_ids, found.all_jobs) == (frozenset({first, second}), False)
    assert connections.subscribe(connection.id, None)
    found = connections.find(connection.id)
    assert found is not None
    assert (found.job_ids, found.all_jobs) == (frozenset({first, second}), True)


def test_a_connection_that_is_forgotten_can_not_subscribe(connections: ConnectionRepository) -> None:
    connection = a_connection()
    connections.add(connection, at_most=1, now=START)
    connections.remove(connection.id)
    connections.remove(connection.id)
    assert not connections.subscribe(connection.id, None)
    assert connections.find_of_user(A_USER) == []


def test_one_more_than_allowed_is_refused_until_another_goes(connections: ConnectionRepository) -> None:
    open_ones = [a_connection() for _ in range(3)]
    for each in open_ones:
        connections.add(each, at_most=3, now=START)
    late = a_connection()
    with pytest.raises(TooManyConnections):
        connections.add(late, at_most=3, now=START)
    connections.remove(open_ones[1].id)
    connections.add(late, at_most=3, now=START)
    assert {each.id for each in connections.find_of_user(A_USER)} == {open_ones[0].id, open_ones[2].id, late.id}


def test_connections_that_are_over_take_no_room(connections: ConnectionRepository) -> None:
    for _ in range(3):
        connections.add(a_connection(seconds=60), at_most=3, now=START)
    fresh = a_connection(seconds=7200)
    connections.add(fresh, at_most=3, now=LATER)
    assert fresh in connections.find_of_user(A_USER)


def test_a_cap_that_was_lowered_holds_for_new_ones(connections: ConnectionRepository) -> None:
    for _ in range(3):
        connections.add(a_connection(), at_most=3, now=START)
    with pytest.raises(TooManyConnections):
        connections.add(a_connection(), at_most=2, now=START)


def test_of_many_at_once_as_many_get_in_as_there_is_room_for(connections: ConnectionRepository) -> None:
    def enter(connection: Connection) -> bool:
        try:
            connections.add(connection, at_most=5, now=START)
        except TooManyConnections:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        entered = list(pool.map(enter, [a_connection() for _ in range(16)]))
    assert entered.count(True) == 5
    assert len(connections.find_of_user(A_USER)) == 5


CALLS: dict[str, Callable[[ConnectionRepository], object]] = {
    "add": lambda connections: connections.add(a_connection(), at_most=1, now=START),
    "find": lambda connections: connections.find(ConnectionId("c")),
    "find_of_user": lambda connections: connections.find_of_user(A_USER),
    "subscribe": lambda connections: connections.subscribe(ConnectionId("c"), None),
    "remove": lambda connections: connections.remove(ConnectionId("c")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_says_so_when_nothing_answers(
    unreachable: ConnectionRepository, call: Callable[[ConnectionRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
