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
from videojobs.domain.errors import RateLimited, TooManyConnections, Unavailable
from videojobs.domain.job import UserId
from videojobs.domain.realtime import SNAPSHOT_INTERVAL, Connection, ConnectionId
from videojobs.ports.changes import ConnectionRepository

MILLISECOND = timedelta(milliseconds=1)
LATER = START + timedelta(hours=1)


def a_connection(user_id: UserId = A_USER, seconds: float = 3600) -> Connection:
    """Return a connection that expires after `seconds`."""
    return Connection(ConnectionId(f"{uuid4().hex[:8]}="), user_id, START + timedelta(seconds=seconds))


@pytest.fixture(params=["in memory", "MongoDB"])
def connections(request: pytest.FixtureRequest) -> ConnectionRepository:
    """Return a repository without connections."""
    if request.param == "in memory":
        return InMemoryConnectionRepository()
    return MongoConnectionRepository(request.getfixturevalue("connection"))


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[ConnectionRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        fake = InMemoryConnectionRepository()
        fake.available = False
        yield fake
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoConnectionRepository(connection)
    connection.run(lambda database: database.client.close())


def test_a_connection_is_stored_unchanged(connections: ConnectionRepository) -> None:
    stored = a_connection()
    connections.add(stored, at_most=1, now=START)
    assert connections.find(stored.id) == stored
    assert connections.find_of_user(A_USER) == [stored]


def test_an_unknown_connection_is_not_found(connections: ConnectionRepository) -> None:
    assert connections.find(a_connection().id) is None


def test_the_connections_of_users_are_separate(connections: ConnectionRepository) -> None:
    own, other = a_connection(), a_connection(ANOTHER_USER)
    connections.add(own, at_most=1, now=START)
    connections.add(other, at_most=1, now=START)
    assert connections.find_of_user(A_USER) == [own]
    assert connections.find_of_user(ANOTHER_USER) == [other]


def test_subscriptions_accumulate_and_a_repeat_changes_nothing(connections: ConnectionRepository) -> None:
    connection, first, second = a_connection(), an_id(), an_id()
    connections.add(connection, at_most=1, now=START)
    assert all(connections.subscribe(connection.id, job_id, START) for job_id in (first, second, first))
    stored_connection = connections.find(connection.id)
    assert stored_connection is not None
    assert (stored_connection.job_ids, stored_connection.all_jobs) == (frozenset({first, second}), False)
    assert connections.subscribe(connection.id, None, START)
    stored_connection = connections.find(connection.id)
    assert stored_connection is not None
    assert (stored_connection.job_ids, stored_connection.all_jobs) == (frozenset({first, second}), True)


def test_a_removed_connection_cannot_subscribe(connections: ConnectionRepository) -> None:
    connection = a_connection()
    connections.add(connection, at_most=1, now=START)
    connections.remove(connection.id)
    connections.remove(connection.id)
    assert not connections.subscribe(connection.id, None, START)
    assert not connections.subscribe(connection.id, an_id(), START)
    assert connections.find_of_user(A_USER) == []


def test_a_connection_subscribes_to_all_jobs_at_most_once_per_interval(connections: ConnectionRepository) -> None:
    connection, other = a_connection(), a_connection()
    for new in (connection, other):
        connections.add(new, at_most=2, now=START)
    assert connections.subscribe(connection.id, None, START)
    with pytest.raises(RateLimited):
        connections.subscribe(connection.id, None, START + SNAPSHOT_INTERVAL - MILLISECOND)
    assert connections.subscribe(connection.id, an_id(), START)
    assert connections.subscribe(other.id, None, START)
    assert connections.subscribe(connection.id, None, START + SNAPSHOT_INTERVAL)


def test_of_concurrent_subscriptions_to_all_jobs_one_succeeds(connections: ConnectionRepository) -> None:
    connection = a_connection()
    connections.add(connection, at_most=1, now=START)

    def subscribe(_: int) -> bool:
        try:
            return connections.subscribe(connection.id, None, START)
        except RateLimited:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(subscribe, range(16))).count(True) == 1


def test_a_connection_over_the_limit_is_refused_until_another_is_removed(connections: ConnectionRepository) -> None:
    existing = [a_connection() for _ in range(3)]
    for connection in existing:
        connections.add(connection, at_most=3, now=START)
    late = a_connection()
    with pytest.raises(TooManyConnections):
        connections.add(late, at_most=3, now=START)
    connections.remove(existing[1].id)
    connections.add(late, at_most=3, now=START)
    assert {connection.id for connection in connections.find_of_user(A_USER)} == {
        existing[0].id,
        existing[2].id,
        late.id,
    }


def test_expired_connections_do_not_count_towards_the_limit(connections: ConnectionRepository) -> None:
    for _ in range(3):
        connections.add(a_connection(seconds=60), at_most=3, now=START)
    new = a_connection(seconds=7200)
    connections.add(new, at_most=3, now=LATER)
    assert new in connections.find_of_user(A_USER)


def test_a_lowered_limit_applies_to_new_connections(connections: ConnectionRepository) -> None:
    for _ in range(3):
        connections.add(a_connection(), at_most=3, now=START)
    with pytest.raises(TooManyConnections):
        connections.add(a_connection(), at_most=2, now=START)


def test_concurrent_additions_do_not_exceed_the_limit(connections: ConnectionRepository) -> None:
    def add(connection: Connection) -> bool:
        try:
            connections.add(connection, at_most=5, now=START)
        except TooManyConnections:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        added = list(pool.map(add, [a_connection() for _ in range(16)]))
    assert added.count(True) == 5
    assert len(connections.find_of_user(A_USER)) == 5


CALLS: dict[str, Callable[[ConnectionRepository], object]] = {
    "add": lambda connections: connections.add(a_connection(), at_most=1, now=START),
    "find": lambda connections: connections.find(ConnectionId("c")),
    "find_of_user": lambda connections: connections.find_of_user(A_USER),
    "subscribe": lambda connections: connections.subscribe(ConnectionId("c"), None, START),
    "remove": lambda connections: connections.remove(ConnectionId("c")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: ConnectionRepository, call: Callable[[ConnectionRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
