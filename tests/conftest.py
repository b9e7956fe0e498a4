"""Servers that test folders share, including the deployed system. Each one starts when a test first requests it."""

import gc
import json
import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pymongo.database import Database

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.stack import Stack
from tests.local_system import ROOT, running
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.video import make_video
from tests.receiver import Receiver, receiving
from tests.sampling import SAMPLING
from tests.servers import missing, secantusdb
from tests.stack.client import User
from tests.stack.deployed import Deployed
from tests.stack.environment import Environment, leaving_nothing, read_stack_of
from tests.timing import sum_by_folder
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.indexes import ensure_indexes

AI_KEY = "a-key-that-no-log-may-hold"
AI_WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_STATE = os.environ.get("LOCALCLOUD_STATE", ".local/test")


def pytest_report_header() -> str:
    """Return the header line that shows how to repeat this run's sample of long tests."""
    return str(SAMPLING)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the seconds of each folder, so that tests/README.md can be compared with them."""
    reports = [it for stats in terminalreporter.stats.values() for it in stats if isinstance(it, pytest.TestReport)]
    terminalreporter.section("seconds by folder: fixtures, tests")
    for folder, (fixtures, tests) in sum_by_folder(reports).items():
        terminalreporter.write_line(f"{folder:<24}{fixtures:>8.1f}{tests:>8.1f}")


def pytest_collection_finish() -> None:
    """Exclude modules and tests from garbage collection: they exist until the end, and each collection visits all."""
    gc.freeze()


@pytest.fixture(scope="session")
def mongo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield `host:port` of a MongoDB for this run: SecantusDB, or the server that `MONGODB_TEST_ADDRESS` names."""
    given = os.environ.get("MONGODB_TEST_ADDRESS")
    if given:
        yield given
        return
    with secantusdb(tmp_path_factory.mktemp("secantusdb"), "--enable-test-commands") as address:
        yield address


@pytest.fixture(scope="session")
def mongo_uri(mongo_address: str) -> str:
    """Return a connection string to a database that only this run uses."""
    return f"mongodb://{mongo_address}/test_{uuid4().hex}?directConnection=true&serverMonitoringMode=poll"


@pytest.fixture(scope="session")
def _indexed(mongo_uri: str) -> Iterator[MongoConnection]:
    def read_uri(*, refresh: bool = False) -> str:
        return mongo_uri

    connection = MongoConnection(read_uri)
    connection.run(ensure_indexes)
    yield connection
    connection.run(lambda database: database.client.drop_database(database.name))
    connection.run(lambda database: database.client.close())


@pytest.fixture
def connection(_indexed: MongoConnection) -> MongoConnection:
    """Return a connection like those of the Lambda functions, to a database that has indexes and no documents."""

    def empty(database: Database[Document]) -> None:
        for name in database.list_collection_names():
            database[name].delete_many({})

    _indexed.run(empty)
    return _indexed


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """Yield the URL of moto's AWS on a real HTTP port. All tests share it, so each test uses unique resource names."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the endpoint, and set credentials in the environment as Lambda does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-no-account")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-no-session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return aws_endpoint


@pytest.fixture(scope="session")
def cloud() -> CloudConfig:
    """Return the configuration of the tests' local cloud, which is separate from a developer's."""
    return CloudConfig.from_environment({**os.environ, "LOCALCLOUD_STATE": _STATE})


@pytest.fixture(scope="session")
def platform() -> Iterator[Receiver]:
    """Yield the receiver of the platform's webhooks, with the endpoints `/hooks` and `/gone`."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def ai_server() -> Iterator[OpenaiCompatibleCounterpart]:
    """Yield a model server that the system can send jobs to. It returns eight seconds of 720p for every request."""
    server = OpenaiCompatibleCounterpart(make_video(1280, 720, 8))
    yield server
    server.close()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """Return the deployed system: the local one, started once per run, or the environment of `make test-real`."""
    named = Environment.named()
    deployed_stack: Stack = read_stack_of(named) if named else request.getfixturevalue("local_stack")
    return deployed_stack


@pytest.fixture(scope="session")
def local_stack(cloud: CloudConfig, platform: Receiver, ai_server: OpenaiCompatibleCounterpart) -> Iterator[Stack]:
    """Yield the local system as `stack.json` describes it; start it first and stop it afterwards."""
    if not (ROOT / ".local" / "cloud" / "bin" / "ministack").exists():
        missing("The local cloud is not installed. Run `make setup`.")
    urls = f"{platform.url},{platform.url.replace('/hooks', '/gone')}"
    served = {"baseUrl": f"{ai_server.url}/v1", "model": "sora-2", "resultHosts": "127.0.0.1", "webhooks": True}
    priced = {"sizes": ["1280x720"], "seconds": [8], "pricePerSecondUsd": 0.1, "pricesAsOf": "2026-11-01"}
    with running(
        cloud,
        WEBHOOK_URLS=urls,
        ALLOWED_PROVIDERS="openai_compatible",
        PROVIDER_OPTIONS=json.dumps({"openai_compatible": served | priced}),
        PROVIDER_KEYS=json.dumps({"openai_compatible": {"key": AI_KEY, "webhookSecret": AI_WEBHOOK_SECRET}}),
    ) as system:
        yield system


@pytest.fixture(scope="session")
def deployed(stack: Stack, cloud: CloudConfig) -> Deployed:
    """Return the same system as AWS describes it to its operators."""
    named = Environment.named()
    return named.deployed if named else Deployed(open_session(cloud), stack.stack_name, stack.aws_endpoint_url)


@pytest.fixture
def user(stack: Stack) -> Iterator[User]:
    """Yield a new signed-in user, or the user whose session token `make test-real` received."""
    named = Environment.named()
    new_user = User(stack, given_token=named.token) if named else User(stack)
    with leaving_nothing(new_user) as signed_in:
        yield signed_in


@pytest.fixture
def stranger(stack: Stack) -> Iterator[User]:
    """Yield another signed-in user."""
    with leaving_nothing(User(stack)) as signed_in:
        yield signed_in
