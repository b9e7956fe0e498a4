"""Scenarios 1, 9, 10 and 17: worker processes that die or stop at any point of their work."""

import pytest

from tests.faults.conftest import MakeWorld
from tests.faults.scenarios import (
    after,
    before,
    crash_once,
    everything_is_lost,
    stop_and_take_over,
    wake_after_the_end,
)
from tests.faults.watched_ports import Fault
from tests.faults.world import World

# The worker saves: the intent, the ref, the wait, the render step, the end.
WORKER = [
    after("jobs.claim"),
    before("jobs.save", nth=1),
    after("jobs.save", nth=1),
    before("provider.submit"),
    after("provider.submit"),
    after("jobs.save", nth=2),
    before("queue.send"),
    after("queue.send"),
    before("notifier.publish"),
    after("notifier.publish"),
    after("jobs.mark_announced"),
    after("provider.poll"),
    after("jobs.save", nth=3),
    after("jobs.save", nth=4),
    after("store.size"),
    after("jobs.save", nth=5),
]
RENDER = [
    after("jobs.claim"),
    before("renderer.render"),
    after("renderer.render"),
    before("store.put", nth=1),
    after("store.put", nth=1),
    after("store.put", nth=2),
    after("jobs.save", nth=1),
    after("jobs.save", nth=2),
    after("queue.send"),
]
RECONCILER = [after("jobs.save"), before("queue.send"), after("queue.send")]


def test_a_job_that_nothing_happens_to_is_completed(world: World) -> None:
    post = world.post()
    world.run()
    assert world.job(post.job_id)["status"] == "completed"
    assert len(world.provider.tasks) == 1


@pytest.mark.parametrize("fault", WORKER, ids=str)
def test_a_worker_that_dies_costs_nothing_but_time(world: World, fault: Fault) -> None:
    post = crash_once(world, "worker", fault)
    assert world.job(post.job_id)["status"] == "completed"
    assert world.job(post.job_id)["attempt"] == 1
    assert len(world.provider.tasks) == 1


@pytest.mark.parametrize("fault", RENDER, ids=str)
def test_a_renderer_that_dies_costs_nothing_but_time(world: World, fault: Fault) -> None:
    post = crash_once(world, "render", fault)
    assert world.job(post.job_id)["status"] == "completed"
    assert len(world.provider.tasks) == 1


@pytest.mark.parametrize("fault", RECONCILER, ids=str)
def test_a_reconciler_that_dies_is_followed_by_another(world: World, fault: Fault) -> None:
    world.arm("worker", after("jobs.claim"))
    post = crash_once(world, "reconciler", fault)
    assert world.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize(
    ("policy", "status", "tasks"),
    [("repeat", "completed", 1), ("find", "completed", 1), ("resubmit", "completed", 2), ("fail", "failed", 1)],
)
def test_a_crash_between_submit_and_ref_follows_the_provider_s_policy(
    make_world: MakeWorld, policy: str, status: str, tasks: int
) -> None:
    world = make_world(unknown_submit=policy)
    post = crash_once(world, "worker", after("provider.submit"))
    job = world.job(post.job_id)
    assert (job["status"], len(world.provider.tasks)) == (status, tasks)
    assert policy == "fail" or any("nobody knows" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize(
    "fault",
    [after("jobs.claim", "pause"), before("provider.submit", "pause"), after("provider.submit", "pause")],
    ids=str,
)
def test_a_worker_that_wakes_up_late_writes_nothing(world: World, fault: Fault) -> None:
    post = stop_and_take_over(world, fault)
    assert world.job(post.job_id)["status"] == "completed"


def test_a_worker_that_wakes_up_while_another_is_at_it_writes_nothing(world: World) -> None:
    post = stop_and_take_over(
        world, after("provider.submit", "pause"), takes_over=[before("jobs.save", "pause", nth=2)]
    )
    assert world.job(post.job_id)["status"] == "completed"


def test_a_renderer_that_wakes_up_late_harms_no_finished_video(world: World) -> None:
    post = world.post()
    sleeper = world.arm("render", before("store.put", "pause"))
    while world.live():
        world.pump()
        world.advance()
    assert sleeper.resume().answers
    assert world.job(post.job_id)["status"] == "completed"


def test_a_worker_that_wakes_up_after_the_end_changes_nothing(world: World) -> None:
    post = wake_after_the_end(world)
    assert world.job(post.job_id)["status"] == "failed"
    assert world.job(post.job_id)["error"]["code"] == "timeout"


def test_a_job_whose_worker_and_message_are_gone_is_found(world: World) -> None:
    post = everything_is_lost(world)
    assert world.job(post.job_id)["status"] == "completed"
    assert len(world.provider.tasks) == 1
