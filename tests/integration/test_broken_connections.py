"""MongoDB connections that break, hang, are rejected or are not fully confirmed: callers soon get `Unavailable`."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pymongo
import pytest
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidOperation, OperationFailure

from tests.builders import A_USER, a_job, a_lease, a_started_job
from tests.fakes.clock import START
from tests.servers import secantusdb
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Batch
from videojobs.domain.time_limit import time_limit


@contextmanager
def failing(connection: MongoConnection, times: int, commands: list[str], **how: Any) -> Iterator[None]:
    """Make the server fail the next `times` commands with these names, within the block."""
    fail_point = {"configureFailPoint": "failCommand"}
    data = {"failCommands": commands, **how}
    connection.run(lambda db: db.client.admin.command({**fail_point, "mode": {"times": times}, "data": data}))
    try:
        yield
    finally:
        connection.run(lambda db: db.client.admin.command({**fail_point, "mode": "off"}))


@pytest.fixture
def jobs(connection: MongoConnection) -> MongoJobRepository:
    """Return a repository on a server that supports fail points."""
    return MongoJobRepository(connection)


class TestBreaks:
    def test_one_broken_connection_is_not_visible_to_the_caller(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        job = a_started_job()
        jobs.add(job)
        with failing(connection, 1, ["find"], closeConnection=True):
            assert jobs.find(job.id) == job
        assert job.next is not None
        with failing(connection, 1, ["update"], closeConnection=True):
            claimed = jobs.claim(job.id, job.next.id, a_lease(), START)
        assert claimed == replace(job, lease=a_lease(), next=replace(job.next, runs=1))

    @pytest.mark.parametrize("command", ["find", "insert", "update"])
    @pytest.mark.parametrize("times", [2, 10_000], ids=["two in a row", "all"])
    def test_broken_connections_are_retried_until_the_timeout(
        self, jobs: MongoJobRepository, connection: MongoConnection, command: str, times: int
    ) -> None:
        # With `timeoutMS`, pymongo retries until the timeout instead of once.
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
                with pymongo.timeout(1.5), pytest.raises(Unavailable):  # the default timeout is 4 s
                    calls[command]()
        assert (jobs.find(job.id) == job) is (command == "insert" and times == 2)

    @pytest.mark.parametrize("code", [91, 10107, 11600], ids=["shutting down", "not primary", "interrupted"])
    def test_step_down_of_the_primary_is_not_visible_to_the_caller(
        self, jobs: MongoJobRepository, connection: MongoConnection, code: int
    ) -> None:
        job = a_job()
        with failing(connection, 1, ["insert"], errorCode=code, errorLabels=["RetryableWriteError"]):
            jobs.add(job)
        assert jobs.find(job.id) == job

    def test_write_without_majority_confirmation_is_not_a_success(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        job = a_started_job()
        jobs.add(job)
        half = {"code": 64, "errmsg": "waiting for replication timed out"}
        with failing(connection, 1, ["update"], writeConcernError=half), pytest.raises(Unavailable):
            jobs.save(job, replace(job, progress=0.5))
        assert jobs.find(job.id) == replace(job, progress=0.5), (
            "the write was applied, so the caller must read the job again"
        )

    def test_other_server_errors_are_reported(self, jobs: MongoJobRepository, connection: MongoConnection) -> None:
        with failing(connection, 1, ["find"], errorCode=96), pytest.raises(Unavailable) as reported:
            jobs.find(a_job().id)
        assert isinstance(reported.value.__cause__, OperationFailure)
        assert "96" not in reported.value.message


class TestSilence:
    """The driver's default of 30 s exceeds the timeout of API Gateway. The limit of these tests is below it."""

    @pytest.mark.timeout(25, func_only=True)
    def test_operation_without_a_response_times_out(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        with failing(connection, 1, ["find"], blockConnection=True, blockTimeMS=6000), pytest.raises(Unavailable):
            jobs.find(a_job().id)

    @pytest.mark.timeout(25, func_only=True)
    def test_silent_server_times_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            connection = MongoConnection(lambda *, refresh=False: f"mongodb://127.0.0.1:{port}/?directConnection=true")
            with pytest.raises(Unavailable):
                MongoJobRepository(connection).find(a_job().id)
            connection.run(lambda database: database.client.close())

    @pytest.mark.timeout(25, func_only=True)
    def test_slow_operations_of_a_call_end_before_the_timeout_of_the_function(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        job = a_job()
        jobs.add(job)
        ends_at = time.monotonic() + 2.5

        def remaining_ms() -> int:
            return int((ends_at - time.monotonic()) * 1000)

        blocked = failing(connection, 10, ["find"], blockConnection=True, blockTimeMS=1000)
        with blocked, time_limit(remaining_ms):
            assert jobs.find(job.id) == job
            with pytest.raises(Unavailable):
                jobs.find(job.id)
            assert remaining_ms() > 0

    @pytest.mark.timeout(25, func_only=True)
    def test_an_operation_in_a_call_takes_no_longer_than_without_a_limit(
        self, jobs: MongoJobRepository, connection: MongoConnection
    ) -> None:
        ends_at = time.monotonic() + 10

        def remaining_ms() -> int:
            return int((ends_at - time.monotonic()) * 1000)

        with failing(connection, 1, ["find"], blockConnection=True, blockTimeMS=6000):
            with time_limit(remaining_ms), pytest.raises(Unavailable):
                jobs.find(a_job().id)
            assert remaining_ms() > 4500

    def test_timeouts_allow_a_response_within_five_seconds(self, connection: MongoConnection) -> None:
        options = connection.run(lambda database: database.client.options)
        assert options.timeout == MongoConnection.TIMEOUT_MS / 1000 == 4
        assert options.server_selection_timeout <= 3
        assert options.pool_options.connect_timeout <= 2
        assert options.retry_writes
        assert options.write_concern.document == {"w": "majority", "j": True}


class Secret:
    """Connection string that is rotated: `cached` is the first value, and each refresh reads the next of `current`."""

    def __init__(self, cached: str, *current: str) -> None:
        self.cached = cached
        self.current = list(current)
        self.refreshes = 0

    def __call__(self, *, refresh: bool = False) -> str:
        if refresh:
            self.refreshes += 1
            self.cached = self.current.pop(0)
        return self.cached


USERS = {"ann": "readWriteAnyDatabase", "bob": "readWriteAnyDatabase", "reader": "readAnyDatabase", "admin": "root"}
"""Users of the guarded server and their roles. Each has the password `right`."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server that requires a password."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    with (
        secantusdb(folder) as address,
        pymongo.MongoClient(f"mongodb://{address}/?directConnection=true") as client,
    ):
        for user, role in USERS.items():
            client.admin.command({"createUser": user, "pwd": "right", "roles": [{"role": role, "db": "admin"}]})
        client.admin.command("fsync")
    with secantusdb(folder, "--auth", "--enable-test-commands") as address:
        yield address


def sign_in_uri(guarded: str, user: str, password: str = "right") -> str:
    """Return a connection string of a user of the guarded server."""
    return f"mongodb://{user}:{password}@{guarded}/rotation?authSource=admin&directConnection=true"


@pytest.fixture
def admin(guarded: str) -> Iterator[MongoConnection]:
    """Yield a connection with administrator rights on the guarded server."""
    connection = MongoConnection(lambda *, refresh=False: sign_in_uri(guarded, "admin"))
    yield connection
    connection.run(lambda database: database.client.close())


class TestRotation:
    """The password or the user changes while a connection is in use."""

    def uri(self, guarded: str, password: str) -> str:
        return sign_in_uri(guarded, "ann", password)

    def test_rejected_password_is_read_again_once(self, guarded: str) -> None:
        secret = Secret(self.uri(guarded, "old"), self.uri(guarded, "right"))
        connection = MongoConnection(secret)
        jobs, job = MongoJobRepository(connection), a_job()
        jobs.add(job)
        assert jobs.find(job.id) == job
        assert secret.refreshes == 1
        connection.run(lambda database: database.client.close())

    def test_password_that_is_rejected_twice_is_reported(self, guarded: str) -> None:
        secret = Secret(self.uri(guarded, "old"), self.uri(guarded, "wrong"))
        connection = MongoConnection(secret)
        with pytest.raises(Unavailable) as reported:
            MongoJobRepository(connection).find(a_job().id)
        assert secret.refreshes == 1
        assert "wrong" not in reported.value.message
        connection.run(lambda database: database.client.close())

    def test_temporarily_invalid_secret_recovers(self, guarded: str) -> None:
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

    def test_a_connection_whose_user_was_deleted_signs_in_as_the_user_of_the_current_secret(
        self, guarded: str, admin: MongoConnection
    ) -> None:
        # MongoDB then rejects every command on the connection with code 13. SecantusDB needs a fail point for that.
        admin.run(
            lambda db: db.client.admin.command({"createUser": "temporary", "pwd": "right", "roles": ANY_DATABASE})
        )
        secret = Secret(sign_in_uri(guarded, "temporary"), sign_in_uri(guarded, "bob"))
        connection = MongoConnection(secret)
        jobs, job = MongoJobRepository(connection), a_job()
        jobs.add(job)
        admin.run(lambda db: db.client.admin.command("dropUser", "temporary"))
        with failing(admin, 1, ["find"], errorCode=13):
            assert jobs.find(job.id) == job
        assert secret.refreshes == 1
        assert user_of(connection) == "bob"
        connection.run(lambda database: database.client.close())

    def test_a_user_without_the_right_is_replaced_by_the_user_of_the_current_secret(self, guarded: str) -> None:
        secret = Secret(sign_in_uri(guarded, "reader"), sign_in_uri(guarded, "bob"))
        connection = MongoConnection(secret)
        jobs, job = MongoJobRepository(connection), a_job()
        jobs.add(job)
        assert jobs.find(job.id) == job
        assert secret.refreshes == 1
        connection.run(lambda database: database.client.close())

    def test_a_missing_role_is_reported_after_one_retry_per_operation(self, guarded: str) -> None:
        reader = sign_in_uri(guarded, "reader")
        secret = Secret(reader, reader, reader)
        connection = MongoConnection(secret)
        jobs = MongoJobRepository(connection)
        for operations in (1, 2):
            with pytest.raises(Unavailable) as refused:
                jobs.add(a_job())
            assert isinstance(refused.value.__cause__, OperationFailure)
            assert refused.value.__cause__.code == 13
            assert secret.refreshes == operations
        connection.run(lambda database: database.client.close())


ANY_DATABASE = [{"role": "readWriteAnyDatabase", "db": "admin"}]


def user_of(connection: MongoConnection) -> str:
    """Return the name of the user that the connection is authenticated as."""
    status = connection.run(lambda database: database.command("connectionStatus"))
    [user] = status["authInfo"]["authenticatedUsers"]
    return str(user["user"])


class TestAnotherDatabase:
    """The secret names another database, while the previous database still accepts its clients."""

    @pytest.fixture
    def secret(self, mongo_uri: str) -> Secret:
        return Secret(mongo_uri)

    @pytest.fixture
    def moving(self, secret: Secret) -> Iterator[MongoConnection]:
        connection = MongoConnection(secret)
        yield connection
        connection.run(lambda database: database.client.close())

    def test_the_next_operation_uses_the_database_that_the_secret_names(
        self, guarded: str, secret: Secret, moving: MongoConnection, jobs: MongoJobRepository
    ) -> None:
        followed, before, after = MongoJobRepository(moving), a_job(), a_job()
        followed.add(before)
        secret.cached = sign_in_uri(guarded, "ann")
        assert followed.find(before.id) is None
        followed.add(after)
        assert followed.find(after.id) == after
        assert (jobs.find(before.id), jobs.find(after.id)) == (before, None)
        assert secret.refreshes == 0

    def test_refresh_switches_to_the_current_database(
        self, guarded: str, secret: Secret, moving: MongoConnection
    ) -> None:
        assert moving.run(lambda database: database.name).startswith("test_")
        secret.current = [sign_in_uri(guarded, "ann")]
        moving.refresh()
        assert moving.run(lambda database: database.name) == "rotation"

    def test_the_client_of_the_database_before_is_closed(
        self, guarded: str, secret: Secret, moving: MongoConnection
    ) -> None:
        client = moving.run(lambda database: database.client)
        secret.cached = sign_in_uri(guarded, "ann")
        moving.run(lambda database: database.command("ping"))
        with pytest.raises(InvalidOperation):
            client.admin.command("ping")

    @pytest.mark.parametrize(
        "unusable", ["", "not-set-yet", "postgres://ann:word@host/db", '{"uri": "mongodb://host"}', "mongodb://host:x"]
    )
    def test_a_value_that_is_not_a_connection_string_is_logged_once_and_the_connection_kept(
        self, secret: Secret, moving: MongoConnection, unusable: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        jobs, job = MongoJobRepository(moving), a_job()
        jobs.add(job)
        secret.cached = unusable
        assert jobs.find(job.id) == job
        assert jobs.find(job.id) == job
        [line] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert line.__dict__["action"] == "mongodb_uri_unusable"
        assert not unusable or unusable not in caplog.text

    @pytest.mark.parametrize("unusable", ["", "not-set-yet", "postgres://host/db", '{"a": 1}', "mongodb://host:x"])
    def test_a_first_value_that_is_not_a_connection_string_is_reported(self, unusable: str) -> None:
        with pytest.raises(Unavailable) as refused:
            MongoJobRepository(MongoConnection(Secret(unusable, unusable))).find(a_job().id)
        assert isinstance(refused.value.__cause__, ConfigurationError)

    def test_a_first_value_that_was_repaired_is_read_again_at_once(self, mongo_uri: str) -> None:
        secret = Secret("not-set-yet", mongo_uri)
        connection = MongoConnection(secret)
        assert MongoJobRepository(connection).find(a_job().id) is None
        assert secret.refreshes == 1
        connection.run(lambda database: database.client.close())

    def test_a_refresh_reports_a_value_that_is_not_a_connection_string(
        self, secret: Secret, moving: MongoConnection
    ) -> None:
        moving.run(lambda database: database.command("ping"))
        secret.current = ["not-set-yet"]
        with pytest.raises(Unavailable) as refused:
            moving.refresh()
        assert isinstance(refused.value.__cause__, ConfigurationError)

    def test_an_operation_of_another_thread_fails_once_at_most(
        self, guarded: str, secret: Secret, moving: MongoConnection
    ) -> None:
        started, moved = Event(), Event()

        def ping(database: Database[Document]) -> str:
            started.set()
            moved.wait(10)
            database.command("ping")
            return database.name

        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(moving.run, ping)
            started.wait(10)
            secret.cached = sign_in_uri(guarded, "ann")
            moving.run(lambda database: database.command("ping"))
            moved.set()
            assert isinstance(running.exception(10), Unavailable)
            assert thread.submit(moving.run, ping).result(10) == "rotation"

    def test_threads_that_are_refused_together_reconnect_once(self, guarded: str) -> None:
        bob = sign_in_uri(guarded, "bob")
        secret = Secret(sign_in_uri(guarded, "reader"), *[bob] * 4)
        connection = MongoConnection(secret)
        refused = Barrier(4)

        def insert(database: Database[Document]) -> int:
            try:
                database["threads"].insert_one({})
            except OperationFailure:
                refused.wait(10)
                raise
            return id(database.client)

        with ThreadPoolExecutor(4) as threads:
            clients = list(threads.map(lambda _: connection.run(insert), range(4)))
        assert len(set(clients)) == 1
        connection.run(lambda database: database.client.close())


class TestBatches:
    """A batch is stored completely or not at all if any of its commands fails."""

    @pytest.fixture(autouse=True)
    def abandoned_transactions(self, connection: MongoConnection) -> Iterator[None]:
        """End the transactions that a test abandons; MongoDB would end them after a minute."""
        yield
        connection.run(lambda database: database.client.admin.command("killAllSessions", []))

    @pytest.mark.parametrize("command", ["insert", "commitTransaction"])
    @pytest.mark.parametrize("times", [1, 10_000])
    def test_batch_is_stored_completely_or_not_at_all(
        self, connection: MongoConnection, command: str, times: int
    ) -> None:
        batches, jobs = MongoBatchRepository(connection), MongoJobRepository(connection)
        batch_id = batches.new_id()
        members = [a_job(batch_id=batch_id) for _ in range(5)]
        batch = Batch(batch_id, A_USER, tuple(job.id for job in members), START, START + timedelta(days=60))
        timeout = pymongo.timeout(30 if times == 1 else 1.5)
        with failing(connection, times, [command], closeConnection=True), suppress(Unavailable), timeout:
            batches.add(batch, members)
        stored = [jobs.find(job.id) for job in members]
        assert stored == (members if batches.find(batch_id) else [None] * 5)
        if times == 1:
            assert batches.find(batch_id) == batch

    @pytest.mark.timeout(100, func_only=True)  # the driver alone would retry for two minutes
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

    def test_rejected_insert_rolls_back_the_whole_batch(self, connection: MongoConnection) -> None:
        batches, jobs = MongoBatchRepository(connection), MongoJobRepository(connection)
        taken = a_job()
        jobs.add(taken)
        batch_id = batches.new_id()
        members = [a_job(batch_id=batch_id), replace(taken, batch_id=batch_id)]
        with pytest.raises(Unavailable):
            batches.add(Batch(batch_id, A_USER, tuple(job.id for job in members), START, START), members)
        assert batches.find(batch_id) is None
        assert jobs.find(members[0].id) is None
        assert jobs.find(taken.id) == taken
