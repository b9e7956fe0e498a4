"""Servers that the contract and the integration suites share; one that nobody asks for is never started."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.servers import secantusdb
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.indexes import ensure_indexes


@pytest.fixture(scope="session")
def mongo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a MongoDB for this run: SecantusDB, or the one that `MONGODB_TEST_ADDRESS` names."""
    given = os.environ.get("MONGODB_TEST_ADDRESS")
    if given:
        yield given
        return
    with secantusdb(tmp_path_factory.mktemp("secantusdb"), "--enable-test-commands") as address:
        yield address


@pytest.fixture
def mongo_uri(mongo_address: str) -> str:
    """A connection string to a database that no other test has seen."""
    return f"mongodb://{mongo_address}/test_{uuid4().hex}?directConnection=true&serverMonitoringMode=poll"


@pytest.fixture
def connection(mongo_uri: str) -> Iterator[MongoConnection]:
    """A connection as a function has it, to a database with its indexes that is dropped at the end."""

    def read_uri(*, refresh: bool = False) -> str:
        return mongo_uri

    made = MongoConnection(read_uri)
    made.run(ensure_indexes)
    yield made
    made.run(lambda database: database.client.drop_database(database.name))
    made.run(lambda database: database.client.close())
