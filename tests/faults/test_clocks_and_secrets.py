"""Scenarios 14 and 15: clocks with skew, and secrets that are rotated under load."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.write_concern import WriteConcern

from tests.faults.checker import check
from tests.faults.conftest import MakeSystem
from tests.faults.database import OwnDatabase
from tests.faults.scenarios import after, before, stop_and_take_over
from tests.faults.system_under_test import SystemUnderTest
from videojobs.adapters.mongo.indexes import ensure_indexes

FIVE_MINUTES = 300
NEW_SECRET = "staple-battery-horse-correct-9876543210"


@pytest.mark.parametrize("worker", [-FIVE_MINUTES, FIVE_MINUTES])
@pytest.mark.parametrize("reconciler", [-FIVE_MINUTES, FIVE_MINUTES])
def test_clock_skew_of_five_minutes_loses_and_doubles_no_job(
    make_sut: MakeSystem, worker: int, reconciler: int
) -> None:
    sut = make_sut(skew=timedelta(minutes=15))
    sut.arm("worker", skew_seconds=worker)
    sut.arm("reconciler", skew_seconds=reconciler)
    sut.arm("render", after("store.put"), skew_seconds=-worker)
    posts = [sut.post() for _ in range(3)]
    sut.run()
    assert {sut.job(post.job_id)["status"] for post in posts} == {"completed"}


def test_clock_in_the_future_takes_over_a_step_without_a_double_write(
    sut: SystemUnderTest,
) -> None:
    sleeper = sut.start("worker", after("provider.submit", "pause"))
    early = sut.start("worker", skew_seconds=FIVE_MINUTES)
    post = sut.post()
    message = sut.take()
    assert sut.deliver(message, at=sleeper).paused
    assert sut.deliver(message, at=early).responses
    assert sleeper.resume().responses
    sut.skew = timedelta(minutes=10)
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert stop_and_take_over(sut, after("provider.submit", "pause")).status == 201


def test_rotated_jwt_secret_is_accepted_under_load(sut: SystemUnderTest) -> None:
    api = sut.start("generate", secret_age_seconds=11)
    assert sut.post(at=api).status == 201
    sut.secrets.put_secret_value(SecretId=sut.jwt_secret, SecretString=NEW_SECRET)
    assert sut.post(at=api).status == 201  # signed with the old secret, and the new one has not been used yet
    sut.sign_with = NEW_SECRET
    assert [sut.post(at=api).status for _ in range(3)] == [201, 201, 201]
    sut.run()
    assert len(sut.jobs()) == 5


def test_cached_secret_outlasts_an_outage_of_secrets_manager(sut: SystemUnderTest) -> None:
    api = sut.start("generate", secret_age_seconds=400)
    assert sut.post(at=api).status == 201
    sut.cloud.disturb("GetSecretValue", calls=10)
    assert sut.post(at=api).status == 201
    sut.run()
    assert len(sut.jobs()) == 2


def write_to_disk(client: pymongo.MongoClient[dict[str, Any]]) -> None:
    """Make a journaled write, so that all earlier writes are in the journal too."""
    client.admin["flushed"].with_options(write_concern=WriteConcern(w="majority", j=True)).insert_one({})


@pytest.fixture
def locked_database(tmp_path: Path) -> Iterator[OwnDatabase]:
    """Yield a database that requires a password."""
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        with pymongo.MongoClient[dict[str, object]](f"mongodb://{database.address}/?directConnection=true") as client:
            client.admin.command("createUser", "app", pwd="first", roles=["root"])
            write_to_disk(client)
        database.kill()
        database.start("--auth")
        yield database


def test_rotated_mongodb_password_is_used_while_jobs_are_running(
    make_sut: MakeSystem, locked_database: OwnDatabase
) -> None:
    def uri(password: str) -> str:
        options = "authSource=admin&directConnection=true&serverMonitoringMode=poll&maxIdleTimeMS=1"
        return f"mongodb://app:{password}@{locked_database.address}/faults?{options}"

    sut = make_sut(mongo_address=f"app:first@{locked_database.address}", mongo_uri=uri("first"), auth_source="admin")
    for function in ("generate", "worker", "render", "reconciler"):
        sut.arm(function, secret_age_seconds=11)
    posts = [sut.post() for _ in range(3)]
    sut.pump()
    assert sut.client
    sut.client.admin.command("updateUser", "app", pwd="second")
    write_to_disk(sut.client)
    sut.secrets.put_secret_value(SecretId=sut.mongo_secret, SecretString=uri("second"))
    locked_database.kill()  # all clients must authenticate again
    locked_database.start("--auth")
    sut.sign_in(f"app:second@{locked_database.address}")
    posts.append(sut.post())
    sut.run()
    assert {sut.job(post.job_id)["status"] for post in posts} == {"completed"}
    check(sut)


@pytest.fixture
def second_database(tmp_path: Path) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    """Yield a client of a second database server, which has the indexes and no jobs."""
    (folder := tmp_path / "second").mkdir()
    with (
        OwnDatabase(folder) as database,
        pymongo.MongoClient[dict[str, Any]](f"mongodb://{database.address}/faults?{OPTIONS}", tz_aware=True) as client,
    ):
        ensure_indexes(client.get_default_database())
        yield client


OPTIONS = "directConnection=true&serverMonitoringMode=poll"


def test_secret_of_another_database_moves_every_warm_function_and_loses_no_job(
    unchecked_sut: MakeSystem, second_database: pymongo.MongoClient[dict[str, Any]]
) -> None:
    # The first database still accepts connections, as after a restore to a new cluster.
    sut, each_time = unchecked_sut(), {"secret_age_seconds": 400}  # the secret is read at each use
    worker = sut.start("worker", after("provider.submit", "pause"), **each_time)
    caller = sut.start("generate", before("jobs.add", "pause", nth=2), **each_time)
    busy = sut.start("generate", **each_time)
    for function in ("worker", "render", "reconciler"):
        sut.arm(function, **each_time)

    sut.post(at=caller)
    assert sut.deliver(sut.take(), at=worker).paused
    caller.begin(sut.post_event("between two databases"), sut.now)
    assert caller.finish().paused
    busy.begin(sut.post_event("under load"), sut.now, times=4)
    host, port = second_database.address or ("", 0)
    uri = f"mongodb://{host}:{port}/faults?{OPTIONS}"
    sut.secrets.put_secret_value(SecretId=sut.mongo_secret, SecretString=uri)
    sut.acknowledge("under load", None, busy.finish())
    remaining = sut.jobs()
    sut.acknowledge("between two databases", None, caller.resume())
    sut.post(at=busy)
    assert worker.resume().responses

    accepted = {post.job_id for post in sut.posts if post.status == 201}
    first, second = {str(job["_id"]) for job in remaining}, jobs_of(second_database)
    assert {post.status for post in sut.posts} <= {201, 503}
    assert accepted <= first | second.keys()
    assert not first & second.keys()
    assert {post.job_id for post in sut.posts[-2:]} <= second.keys()
    for _ in range(20):
        sut.pump()
        if all(job["status"] == "completed" for job in jobs_of(second_database).values()):
            break
        sut.pass_time(60)
        sut.sweep()
    assert {job["status"] for job in jobs_of(second_database).values()} == {"completed"}
    assert sut.jobs() == remaining, "the first database was written to after the secret named the second one"


def jobs_of(client: pymongo.MongoClient[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the jobs of a database by ID."""
    return {str(job["_id"]): job for job in client.get_default_database()["videojobs"].find()}
