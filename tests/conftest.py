"""Servers that the contract and the integration suites share; one that nobody asks for is never started."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo.database import Database

from tests.servers import secantusdb
from videojobs.adapters.mongo.connection import Document, MongoConnection
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


@pytest.fixture(scope="session")
def mongo_uri(mongo_address: str) -> str:
    """A connection string to a database of this run's own."""
    return f"mongodb://{mongo_address}/test_{uuid4().hex}?directConnection=true&serverMonitoringMode=poll"


@pytest.fixture(scope="session")
def _indexed(mongo_uri: str) -> Iterator[MongoConnection]:
    def read_uri(*, refresh: bool = False) -> str:
        return mongo_uri

    made = MongoConnection(read_uri)
    made.run(ensure_indexes)
    yield made
    made.run(lambda database: database.client.drop_database(database.name))
    made.run(lambda database: database.client.close())


@pytest.fixture
def connection(_indexed: MongoConnection) -> MongoConnection:
    """A connection as a function has it, to a database with its indexes and nothing else."""

    def empty(database: Database[Document]) -> None:
        for name in database.list_collection_names():
            database[name].delete_many({})

    _indexed.run(empty)
    return _indexed


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """moto's AWS behind a real HTTP port, one for all tests: each takes names of its own."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The endpoint, with credentials in the environment as Lambda puts them there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-no-account")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-no-session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return aws_endpoint
