"""Scenarios 5 and 6: step-downs, lost responses, closed connections and kills of the database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.conftest import MakeSystem
from tests.faults.database import OwnDatabase
from tests.faults.proxy import LossyProxy
from tests.faults.scenarios import after
from tests.faults.system_under_test import SystemUnderTest

NOT_PRIMARY, SHUTTING_DOWN = 10107, 91


@pytest.fixture
def proxy(mongo_address: str) -> Iterator[LossyProxy]:
    """Yield a proxy between the functions and the database."""
    host, port = mongo_address.split(":")
    lossy_proxy = LossyProxy(host, int(port))
    yield lossy_proxy
    lossy_proxy.close()


@pytest.fixture
def behind_proxy(make_sut: MakeSystem, proxy: LossyProxy) -> SystemUnderTest:
    """Return a system whose functions connect to the database through the proxy."""
    uri = f"mongodb://{proxy.address}/faults?directConnection=true&serverMonitoringMode=poll"
    return make_sut(mongo_uri=uri, loses_answers=True)


def fail(sut: SystemUnderTest, commands: list[str], code: int, times: int) -> None:
    """Make the functions' next `times` commands of these kinds fail with this code."""
    data: dict[str, Any] = {"failCommands": commands, "errorCode": code, "appName": "videojobs"}
    assert sut.client
    sut.client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})


@pytest.mark.parametrize("code", [NOT_PRIMARY, SHUTTING_DOWN], ids=["not primary", "shutting down"])
@pytest.mark.parametrize("times", [1, 3])
def test_job_survives_a_step_down(sut: SystemUnderTest, code: int, times: int) -> None:
    post = sut.post()
    sut.deliver(sut.take())
    fail(sut, ["update", "find"], code, times)
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_post_during_a_step_down_can_be_repeated_with_its_key(sut: SystemUnderTest) -> None:
    fail(sut, ["insert"], NOT_PRIMARY, 1)
    first = sut.post("twice", key="k")
    repeated_post = sut.post("twice", key="k")
    assert first.status in {201, 503}
    assert repeated_post.status == 201
    sut.run()
    assert len(sut.jobs()) == 1


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_insert_with_a_lost_response_creates_one_job(
    behind_proxy: SystemUnderTest, proxy: LossyProxy, lost: int
) -> None:
    proxy.lose("insert", responses=lost)
    post = behind_proxy.post("once", key="k")
    repeated_post = behind_proxy.post("once", key="k")
    assert post.status in {201, 503}
    assert repeated_post.status == 201
    behind_proxy.run()
    (job,) = behind_proxy.jobs()
    assert job["status"] == "completed"
    assert proxy.lost == ["insert"] * lost


@pytest.mark.parametrize("lost", [1, 2, 8])
def test_updates_with_lost_responses_are_applied_once(
    behind_proxy: SystemUnderTest, proxy: LossyProxy, lost: int
) -> None:
    post = behind_proxy.post()
    proxy.lose("update", responses=lost)
    behind_proxy.run()
    assert behind_proxy.job(post.job_id)["status"] == "completed"
    assert len(behind_proxy.provider.tasks) == 1
    assert len(proxy.lost) == lost


def test_repeatedly_closed_connections_only_delay_the_job(behind_proxy: SystemUnderTest, proxy: LossyProxy) -> None:
    post = behind_proxy.post()
    while behind_proxy.unsettled():
        proxy.cut()
        behind_proxy.pump()
        proxy.cut()
        behind_proxy.advance()
    assert behind_proxy.job(post.job_id)["status"] == "completed"


def test_accepted_jobs_survive_a_kill_of_the_database(make_sut: MakeSystem, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        sut = make_sut(mongo_address=database.address)
        posts = [sut.post() for _ in range(5)]
        sut.deliver(*sut.queues.receive("JobsQueue")[:3])
        busy = sut.start("worker", after("provider.poll", "pause"))
        sut.pass_time(7)
        polls = sut.queues.receive("JobsQueue")
        assert sut.deliver(*polls[:1], at=busy).paused
        database.kill()
        database.start()
        sut.settle(polls[:1], busy.resume())
        unconfirmed = sut.post("after the restart", key="k")
        sut.run()
        assert {sut.job(post.job_id)["status"] for post in posts} == {"completed"}
        assert unconfirmed.status in {201, 503}
        check(sut)


def test_outage_of_the_database_rejects_posts_and_loses_no_job(make_sut: MakeSystem, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        sut = make_sut(mongo_address=database.address)
        post = sut.post()
        message = sut.take()
        database.kill()
        refused = sut.post("while it is away", key="k")
        assert (refused.status, refused.body["error"]["code"]) == (503, "UNAVAILABLE")
        assert sut.deliver(message).response["batchItemFailures"]
        database.start()
        repeated = sut.post("while it is away", key="k")
        sut.run()
        assert sut.job(post.job_id)["status"] == sut.job(repeated.job_id)["status"] == "completed"
        check(sut)
