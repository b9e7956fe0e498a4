"""Scenarios 5 and 6: a database that steps down, loses its answers, is cut off, or is killed."""

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
    """Between the functions and the database."""
    host, port = mongo_address.split(":")
    made = LossyProxy(host, int(port))
    yield made
    made.close()


@pytest.fixture
def behind_proxy(make_sut: MakeSystem, proxy: LossyProxy) -> SystemUnderTest:
    """A world whose functions reach the database through the proxy."""
    uri = f"mongodb://{proxy.address}/faults?directConnection=true&serverMonitoringMode=poll"
    return make_sut(mongo_uri=uri, loses_answers=True)


def fail(sut: SystemUnderTest, commands: list[str], code: int, times: int) -> None:
    """Let the functions' next commands fail."""
    data: dict[str, Any] = {"failCommands": commands, "errorCode": code, "appName": "videojobs"}
    assert sut.client
    sut.client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})


@pytest.mark.parametrize("code", [NOT_PRIMARY, SHUTTING_DOWN], ids=["not primary", "shutting down"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_step_down_in_the_middle_of_a_job_is_outlived(sut: SystemUnderTest, code: int, times: int) -> None:
    post = sut.post()
    sut.deliver(sut.take())
    fail(sut, ["update", "find"], code, times)
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_a_post_during_a_step_down_is_safe_to_repeat_with_its_key(sut: SystemUnderTest) -> None:
    fail(sut, ["insert"], NOT_PRIMARY, 1)
    first = sut.post("twice", key="k")
    again = sut.post("twice", key="k")
    assert first.status in {201, 503}
    assert again.status == 201
    sut.run()
    assert len(sut.jobs()) == 1


@pytest.mark.parametrize("answers", [1, 2, 3])
def test_an_insert_whose_answer_is_lost_makes_one_job(
    behind_proxy: SystemUnderTest, proxy: LossyProxy, answers: int
) -> None:
    proxy.lose("insert", answers=answers)
    post = behind_proxy.post("once", key="k")
    again = behind_proxy.post("once", key="k")
    assert post.status in {201, 503}
    assert again.status == 201
    behind_proxy.run()
    (job,) = behind_proxy.jobs()
    assert job["status"] == "completed"
    assert proxy.lost == ["insert"] * answers


@pytest.mark.parametrize("answers", [1, 2, 8])
def test_writes_whose_answers_are_lost_are_made_once(
    behind_proxy: SystemUnderTest, proxy: LossyProxy, answers: int
) -> None:
    post = behind_proxy.post()
    proxy.lose("update", answers=answers)
    behind_proxy.run()
    assert behind_proxy.job(post.job_id)["status"] == "completed"
    assert len(behind_proxy.provider.tasks) == 1
    assert len(proxy.lost) == answers


def test_connections_that_are_cut_again_and_again_cost_nothing_but_time(
    behind_proxy: SystemUnderTest, proxy: LossyProxy
) -> None:
    post = behind_proxy.post()
    while behind_proxy.unsettled():
        proxy.cut()
        behind_proxy.pump()
        proxy.cut()
        behind_proxy.advance()
    assert behind_proxy.job(post.job_id)["status"] == "completed"


def test_what_was_acknowledged_outlives_a_kill_of_the_database(make_sut: MakeSystem, tmp_path: Path) -> None:
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


def test_a_database_that_is_away_refuses_posts_and_forgets_none(make_sut: MakeSystem, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        sut = make_sut(mongo_address=database.address)
        post = sut.post()
        message = sut.take()
        database.kill()
        refused = sut.post("while it is away", key="k")
        assert (refused.status, refused.body["error"]["code"]) == (503, "UNAVAILABLE")
        assert sut.deliver(message).answer["batchItemFailures"]
        database.start()
        repeated = sut.post("while it is away", key="k")
        sut.run()
        assert sut.job(post.job_id)["status"] == sut.job(repeated.job_id)["status"] == "completed"
        check(sut)
