"""Scenarios 5 and 6: a database that steps down, loses its answers, is cut off, or is killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.conftest import MakeWorld
from tests.faults.database import OwnDatabase
from tests.faults.proxy import LossyProxy
from tests.faults.scenarios import after
from tests.faults.world import World

NOT_PRIMARY, SHUTTING_DOWN = 10107, 91


@pytest.fixture
def proxy(mongo_address: str) -> Iterator[LossyProxy]:
    """Between the functions and the database."""
    host, port = mongo_address.split(":")
    made = LossyProxy(host, int(port))
    yield made
    made.close()


@pytest.fixture
def behind_proxy(make_world: MakeWorld, proxy: LossyProxy) -> World:
    """A world whose functions reach the database through the proxy."""
    uri = f"mongodb://{proxy.address}/faults?directConnection=true&serverMonitoringMode=poll"
    return make_world(mongo_uri=uri, loses_answers=True)


def fail(world: World, commands: list[str], code: int, times: int) -> None:
    """Let the functions' next commands fail."""
    data: dict[str, Any] = {"failCommands": commands, "errorCode": code, "appName": "videojobs"}
    assert world.client
    world.client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})


@pytest.mark.parametrize("code", [NOT_PRIMARY, SHUTTING_DOWN], ids=["not primary", "shutting down"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_step_down_in_the_middle_of_a_job_is_outlived(world: World, code: int, times: int) -> None:
    post = world.post()
    world.deliver(world.take())
    fail(world, ["update", "find"], code, times)
    world.run()
    assert world.job(post.job_id)["status"] == "completed"
    assert len(world.provider.tasks) == 1


def test_a_post_during_a_step_down_is_safe_to_repeat_with_its_key(world: World) -> None:
    fail(world, ["insert"], NOT_PRIMARY, 1)
    first = world.post("twice", key="k")
    again = world.post("twice", key="k")
    assert first.status in {201, 503}
    assert again.status == 201
    world.run()
    assert len(world.jobs()) == 1


@pytest.mark.parametrize("answers", [1, 2, 3])
def test_an_insert_whose_answer_is_lost_makes_one_job(behind_proxy: World, proxy: LossyProxy, answers: int) -> None:
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
def test_writes_whose_answers_are_lost_are_made_once(behind_proxy: World, proxy: LossyProxy, answers: int) -> None:
    post = behind_proxy.post()
    proxy.lose("update", answers=answers)
    behind_proxy.run()
    assert behind_proxy.job(post.job_id)["status"] == "completed"
    assert len(behind_proxy.provider.tasks) == 1
    assert len(proxy.lost) == answers


def test_connections_that_are_cut_again_and_again_cost_nothing_but_time(behind_proxy: World, proxy: LossyProxy) -> None:
    post = behind_proxy.post()
    while behind_proxy.unsettled():
        proxy.cut()
        behind_proxy.pump()
        proxy.cut()
        behind_proxy.advance()
    assert behind_proxy.job(post.job_id)["status"] == "completed"


def test_what_was_acknowledged_outlives_a_kill_of_the_database(make_world: MakeWorld, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        world = make_world(mongo_address=database.address)
        posts = [world.post() for _ in range(5)]
        world.deliver(*world.queues.receive("JobsQueue")[:3])
        busy = world.start("worker", after("provider.poll", "pause"))
        world.pass_time(7)
        polls = world.queues.receive("JobsQueue")
        assert world.deliver(*polls[:1], at=busy).paused
        database.kill()
        database.start()
        world.settle(polls[:1], busy.resume())
        unconfirmed = world.post("after the restart", key="k")
        world.run()
        assert {world.job(post.job_id)["status"] for post in posts} == {"completed"}
        assert unconfirmed.status in {201, 503}
        check(world)


def test_a_database_that_is_away_refuses_posts_and_forgets_none(make_world: MakeWorld, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    with OwnDatabase(folder) as database:
        world = make_world(mongo_address=database.address)
        post = world.post()
        message = world.take()
        database.kill()
        refused = world.post("while it is away", key="k")
        assert (refused.status, refused.body["error"]["code"]) == (503, "UNAVAILABLE")
        assert world.deliver(message).answer["batchItemFailures"]
        database.start()
        repeated = world.post("while it is away", key="k")
        world.run()
        assert world.job(post.job_id)["status"] == world.job(repeated.job_id)["status"] == "completed"
        check(world)
