"""MongoDB that breaks off, hangs, refuses or half-confirms: the caller hears `Unavailable`, and soon."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure

from tests.builders import A_USER, a_job, a_lease, a_started_job
from tests.fakes.clock import START
from tests.servers import secantusdb
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Batch


@contextmanager
def failing(connection: MongoConnection, times: int, commands: list[str], **how: Any) -> Iterator[None]:
    """The server fails the next commands of these names."""
    fail_point = {"configureFailPoint": "failCommand"}
    data = {"failCommands": commands, **how}
    connection.run(lambda db: db.client.admin.command({**fail_point, "mode": {"times": times}, "data": data}))
    try:
        yield
    finally:
        connection.run(lambda db: db.client.admin.command({**fail_point, "mode": "off"}))


@pytest.fixture
def jobs(connection: MongoConnection) -> MongoJobRepository:
    """A repository on a server that can be told to fail."""
    return MongoJobRepository(connection)


class TestBreaks:
    def test_one_broken_connection_is_nobodys_concern(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        job = a_started_job()
        jobs.add(job)
        with failing(connection, 1, ["find"], closeConnection=True):
            assert jobs.find(job.id) == job
        assert job.next is not None
        with failing(connection, 1, ["update"], closeConnection=True):
            claimed = jobs.claim(job.id, job.next.id, a_lease(), START)
        assert claimed == replace(job, lease=a_lease())

    @pytest.mark.parametrize("command", ["find", "insert", "update"])
    @pytest.mark.parametrize("times", [2, 10_000], ids=["two in a row", "all"])
    def test_breaks_are_survived_until_time_is_up(
        self, jobs: MongoJobRepository, connection: MongoConnection, command: str, times: int
    ) -> None:
        """With `timeoutMS` pymongo goes on trying within that time, not only once."""
        job = a_started_job()
        calls = {
            "find": lambda: jobs.find(job.id),
            "insert": lambda: jobs.add(job),
            "update": lambda: jobs.save(job, replace(job, progress=0.5)),
        }
        with failing(connection, times, [command], closeConnection=True):
            if times == 2:
                calls[command]()
            else:
                with pymongo.timeout(1.5), pytest.raises(Unavailable):  # in place of four seconds
                    calls[command]()
        assert (jobs.find(job.id) == job) is (command == "insert" and times == 2)

    @pytest.mark.parametrize("code", [91, 10107, 11600], ids=["shutting down", "not primary", "interrupted"])
    def test_a_step_down_of_the_primary_is_nobodys_concern(
        self, jobs: MongoJobRepository, connection: MongoConnection, code: int
    ) -> None:
        job = a_job()
        with failing(connection, 1, ["insert"], errorCode=code, errorLabels=["RetryableWriteError"]):
            jobs.add(job)
        assert jobs.find(job.id) == job

    def test_a_write_that_is_only_half_confirmed_is_no_success(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        job = a_started_job()
        jobs.add(job)
        half = {"code": 64, "errmsg": "waiting for replication timed out"}
        with failing(connection, 1, ["update"], writeConcernError=half), pytest.raises(Unavailable):
            jobs.save(job, replace(job, progress=0.5))
        assert jobs.find(job.id) == replace(job, progress=0.5), "it had landed: whoever is told must read again"

    def test_any_other_refusal_of_the_server_is_told_too(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        with failing(connection, 1, ["find"], errorCode=13), pytest.raises(Unavailable) as told:
            jobs.find(a_job().id)
        assert isinstance(told.value.__cause__, OperationFailure)
        assert "13" not in told.value.message


class TestSilence:
    """The driver's own thirty seconds would outlive API Gateway; pytest's limit here is below them."""

    @pytest.mark.timeout(25, func_only=True)
    def test_a_server_that_never_answers_an_operation_is_given_up(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        with failing(connection, 1, ["find"], blockConnection=True, blockTimeMS=6000), pytest.raises(Unavailable):
            jobs.find(a_job().id)

    @pytest.mark.timeout(25, func_only=True)
    def test_a_server_that_accepts_and_says_nothing_is_given_up(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            connection = MongoConnection(lambda *, refresh=False: f"mongodb://127.0.0.1:{port}/?directConnection=true")
            with pytest.raises(Unavailable):
                MongoJobRepository(connection).find(a_job().id)
            connection.run(lambda database: database.client.close())

    def test_the_limits_leave_time_to_answer_within_five_seconds(self, connection: MongoConnection) -> None:
        options = connection.run(lambda database: database.client.options)
        assert options.timeout == MongoConnection.TIMEOUT_MS / 1000 == 4
        assert options.server_selection_timeout <= 3
        assert options.pool_options.connect_timeout <= 2
        assert options.retry_writes
        assert options.write_concern.document == {"w": "majority", "j": True}


class Secret:
    """A connection string that is rotated: what was cached at first, and what a refresh brings."""

    def __init__(self, cached: str, *current: str) -> None:
        self.cached = cached
        self.current = list(current)
        self.refreshes = 0

    def __call__(self, *, refresh: bool = False) -> str:
        if refresh:
            self.refreshes += 1
            self.cached = self.current.pop(0)
        return self.cached


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that asks for a password: `ann` has `right`."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    with (
        secantusdb(folder) as address,
        pymongo.MongoClient(f"mongodb://{address}/?directConnection=true") as client,
    ):
        roles = [{"role": "readWriteAnyDatabase", "db": "admin"}]
        client.admin.command({"createUser": "ann", "pwd": "right", "roles": roles})
        client.admin.command("fsync")
    with secantusdb(folder, "--auth") as address:
        yield address


class TestRotation:
    """The password changes under our feet."""

    def uri(self, guarded: str, password: str) -> str:
        return f"mongodb://ann:{password}@{guarded}/rotation?authSource=admin&directConnection=true"

    def test_a_refused_password_is_read_again_once(self, guarded: str) -> None:
        secret = Secret(self.uri(guarded, "old"), self.uri(guarded, "right"))
        connection = MongoConnection(secret)
        jobs, job = MongoJobRepository(connection), a_job()
        jobs.add(job)
        assert jobs.find(job.id) == job
        assert secret.refreshes == 1
        connection.run(lambda database: database.client.close())

    def test_a_password_that_is_refused_twice_is_told(self, guarded: str) -> None:
        secret = Secret(self.uri(guarded, "old"), self.uri(guarded, "wrong"))
        connection = MongoConnection(secret)
        with pytest.raises(Unavailable) as told:
            MongoJobRepository(connection).find(a_job().id)
        assert secret.refreshes == 1
        assert "wrong" not in told.value.message
        connection.run(lambda database: database.client.close())

    def test_a_secret_that_is_spoilt_for_a_while_heals(self, guarded: str) -> None:
        secret = Secret(
            self.uri(guarded, "old"), "postgres://not-a-connection-string-of-mongodb", self.uri(guarded, "right")
        )
        connection = MongoConnection(secret)
        jobs = MongoJobRepository(connection)
        with pytest.raises(Unavailable):
            jobs.find(a_job().id)
        secret(refresh=True)
        assert jobs.find(a_job().id) is None
        connection.run(lambda database: database.client.close())


class TestBatches:
    """All of a batch is stored, or nothing, wherever the database fails."""

    @pytest.mark.parametrize("command", ["insert", "commitTransaction"])
    @pytest.mark.parametrize("times", [1, 10_000])
    def test_a_batch_is_whole_or_not_there(self, connection: MongoConnection, command: str, times: int) -> None:
        batches, jobs = MongoBatchRepository(connection), MongoJobRepository(connection)
        batch_id = batches.new_id()
        made = [a_job(batch_id=batch_id) for _ in range(5)]
        batch = Batch(batch_id, A_USER, tuple(job.id for job in made), START, START + timedelta(days=60))
        patience = pymongo.timeout(30 if times == 1 else 1.5)
        with failing(connection, times, [command], closeConnection=True), suppress(Unavailable), patience:
            batches.add(batch, made)
        stored = [jobs.find(job.id) for job in made]
        assert stored == (made if batches.find(batch_id) else [None] * 5)
        if times == 1:
            assert batches.find(batch_id) == batch

    @pytest.mark.timeout(100, func_only=True)  # the driver itself goes on for two minutes
    @pytest.mark.parametrize("command", ["insert", "commitTransaction"])
    def test_a_transaction_is_not_repeated_for_longer_than_one_operation(
        self, connection: MongoConnection, mongo_uri: str, command: str
    ) -> None:
        class Hasty(MongoConnection):
            TIMEOUT_MS = 1000

        hasty = Hasty(lambda *, refresh=False: mongo_uri)
        batches = MongoBatchRepository(hasty)
        job = a_job()
        with failing(connection, 10_000, [command], closeConnection=True), pytest.raises(Unavailable):
            batches.add(Batch(batches.new_id(), A_USER, (job.id,), START, START + timedelta(days=60)), [job])
        hasty.run(lambda database: database.client.close())

    def test_an_insert_that_is_refused_takes_all_others_along(self, connection: MongoConnection) -> None:
        batches, jobs = MongoBatchRepository(connection), MongoJobRepository(connection)
        taken = a_job()
        jobs.add(taken)
        batch_id = batches.new_id()
        made = [a_job(batch_id=batch_id), replace(taken, batch_id=batch_id)]
        with pytest.raises(Unavailable):
            batches.add(Batch(batch_id, A_USER, tuple(job.id for job in made), START, START), made)
        assert batches.find(batch_id) is None
        assert jobs.find(made[0].id) is None
        assert jobs.find(taken.id) == taken
