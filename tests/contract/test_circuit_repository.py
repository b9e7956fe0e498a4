"""The contract of `CircuitRepository`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import replace

import pymongo
import pytest

from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import START
from tests.servers import free_port
from videojobs.adapters.mongo.circuits import MongoCircuitRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import Unavailable
from videojobs.ports.videos import CircuitRepository

OPEN = Circuit("sketch", failures=5, opened=1, open_until=START, version=1)


@pytest.fixture(params=["in memory", "MongoDB"])
def circuits(request: pytest.FixtureRequest) -> CircuitRepository:
    """Return a repository without circuits."""
    if request.param == "in memory":
        return InMemoryCircuitRepository()
    return MongoCircuitRepository(request.getfixturevalue("connection"))


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[CircuitRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        fake = InMemoryCircuitRepository()
        fake.available = False
        yield fake
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoCircuitRepository(connection)
    connection.run(lambda database: database.client.close())


def test_an_unknown_provider_has_a_closed_circuit(circuits: CircuitRepository) -> None:
    assert circuits.find("sketch") == Circuit("sketch")


def test_a_circuit_is_stored_unchanged(circuits: CircuitRepository) -> None:
    assert circuits.save(Circuit("sketch"), OPEN)
    assert circuits.find("sketch") == OPEN
    closed = Circuit("sketch", version=2)
    assert circuits.save(OPEN, closed)
    assert circuits.find("sketch") == closed


def test_each_provider_has_its_own_circuit(circuits: CircuitRepository) -> None:
    circuits.save(Circuit("sketch"), OPEN)
    assert circuits.find("simulated") == Circuit("simulated")


def test_a_save_over_a_newer_version_is_refused(circuits: CircuitRepository) -> None:
    circuits.save(Circuit("sketch"), OPEN)
    assert not circuits.save(Circuit("sketch"), Circuit("sketch", failures=1, version=1))
    assert not circuits.save(replace(OPEN, version=7), replace(OPEN, version=8))
    assert circuits.find("sketch") == OPEN


@pytest.mark.parametrize("before", [Circuit("sketch"), OPEN], ids=["the first save", "a later save"])
def test_one_of_eight_concurrent_saves_succeeds(circuits: CircuitRepository, before: Circuit) -> None:
    if before.version:
        circuits.save(Circuit("sketch"), before)
    states = [replace(before, failures=number, version=before.version + 1) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda after: circuits.save(before, after), states))
    assert saved.count(True) == 1
    assert circuits.find("sketch") == states[saved.index(True)]


@pytest.mark.parametrize(
    "call", [lambda circuits: circuits.find("sketch"), lambda circuits: circuits.save(Circuit("sketch"), OPEN)]
)
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: CircuitRepository, call: Callable[[CircuitRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
