"""Scenarios 1, 9, 10 and 17: worker processes that crash or pause at any point."""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import (
    after,
    before,
    crash_once,
    lose_worker_and_message,
    stop_and_take_over,
    wake_after_the_end,
)
from tests.faults.system_under_test import SystemUnderTest
from tests.faults.watched_ports import Fault

# The worker saves five times: the intent, the ref, the wait, the render step and the end.
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


def test_job_without_faults_is_completed(sut: SystemUnderTest) -> None:
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


@pytest.mark.parametrize("fault", WORKER, ids=str)
def test_crash_of_a_worker_only_delays_the_job(sut: SystemUnderTest, fault: Fault) -> None:
    post = crash_once(sut, "worker", fault)
    assert sut.job(post.job_id)["status"] == "completed"
    assert sut.job(post.job_id)["attempt"] == 1
    assert len(sut.provider.tasks) == 1


@pytest.mark.parametrize("fault", RENDER, ids=str)
def test_crash_of_a_renderer_only_delays_the_job(sut: SystemUnderTest, fault: Fault) -> None:
    post = crash_once(sut, "render", fault)
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


@pytest.mark.parametrize("fault", RECONCILER, ids=str)
def test_crash_of_the_reconciler_is_recovered_by_its_next_run(sut: SystemUnderTest, fault: Fault) -> None:
    sut.arm("worker", after("jobs.claim"))
    post = crash_once(sut, "reconciler", fault)
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize(
    ("policy", "status", "tasks"),
    [("repeat", "completed", 1), ("find", "completed", 1), ("resubmit", "completed", 2), ("fail", "failed", 1)],
)
def test_crash_between_submit_and_ref_follows_the_policy_of_the_provider(
    make_sut: MakeSystem, policy: str, status: str, tasks: int
) -> None:
    sut = make_sut(unknown_submit=policy)
    post = crash_once(sut, "worker", after("provider.submit"))
    job = sut.job(post.job_id)
    assert (job["status"], len(sut.provider.tasks)) == (status, tasks)
    note = "unknown whether the submit arrived"
    assert policy == "fail" or any(note in entry["note"] for entry in job["history"])


@pytest.mark.parametrize(
    "fault",
    [after("jobs.claim", "pause"), before("provider.submit", "pause"), after("provider.submit", "pause")],
    ids=str,
)
def test_worker_that_resumes_after_its_lease_writes_nothing(sut: SystemUnderTest, fault: Fault) -> None:
    post = stop_and_take_over(sut, fault)
    assert sut.job(post.job_id)["status"] == "completed"


def test_worker_that_resumes_during_a_takeover_writes_nothing(sut: SystemUnderTest) -> None:
    post = stop_and_take_over(sut, after("provider.submit", "pause"), takes_over=[before("jobs.save", "pause", nth=2)])
    assert sut.job(post.job_id)["status"] == "completed"


def test_renderer_that_resumes_late_does_not_damage_a_finished_video(sut: SystemUnderTest) -> None:
    post = sut.post()
    sleeper = sut.arm("render", before("store.put", "pause"))
    while sut.live():
        sut.pump()
        sut.advance()
    assert sleeper.resume().responses
    assert sut.job(post.job_id)["status"] == "completed"


def test_worker_that_resumes_after_the_end_changes_nothing(sut: SystemUnderTest) -> None:
    post = wake_after_the_end(sut)
    assert sut.job(post.job_id)["status"] == "failed"
    assert sut.job(post.job_id)["error"]["code"] == "timeout"


def test_job_without_worker_and_message_is_recovered(sut: SystemUnderTest) -> None:
    post = lose_worker_and_message(sut)
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1
