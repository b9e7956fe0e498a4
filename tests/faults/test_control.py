"""Scenario 11: a cancellation at any moment of a job, and crashes during retries and deletions.

The checker proves that a cancelled or deleted job leaves no file and no task, and a deleted job no document.
"""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import after, before, cancel_while_stopped, next_message
from tests.faults.system_under_test import ANOTHER_USER, LEASE_SECONDS, SystemUnderTest
from tests.faults.watched_ports import Fault
from videojobs.domain.slots import CHECK_EVERY

ROUNDS = 12


class TestCancelAgainstFinish:
    def test_concurrent_cancel_and_finish_have_one_winner_that_the_response_names(
        self, unchecked_sut: MakeSystem
    ) -> None:
        # The system is unchecked, as the order of acknowledgements in two processes is unknown.
        sut = unchecked_sut()
        worker, api = sut.start("worker"), sut.start("jobs")
        statuses = {}
        for _ in range(ROUNDS):
            job_id = sut.post().job_id
            sut.run_to(job_id, "finish")
            message = next_message(sut)
            worker.begin(sut.batch(message), sut.now)
            api.begin(sut.control_event("cancel", job_id), sut.now)
            statuses[job_id] = sut.record_control("cancel", job_id, api.finish())
            sut.settle([message], worker.finish())
            sut.run()
        ends = {job_id: sut.job(job_id)["status"] for job_id in statuses}
        assert ends == {job_id: "cancelled" if status == 200 else "completed" for job_id, status in statuses.items()}
        assert set(statuses.values()) <= {200, 409}
        assert [job_id for job_id, end in ends.items() if end == "cancelled" and sut.objects(job_id)] == []

    @pytest.mark.parametrize(
        ("fault", "expected", "end"),
        [
            (after("jobs.claim", "pause"), 200, "cancelled"),
            (after("store.size", "pause"), 200, "cancelled"),
            (before("jobs.save", "pause"), 200, "cancelled"),
            (after("jobs.save", "pause"), 409, "completed"),
        ],
        ids=str,
    )
    def test_first_write_of_cancel_and_finish_wins(
        self, sut: SystemUnderTest, fault: Fault, expected: int, end: str
    ) -> None:
        post, status = cancel_while_stopped(sut, "finish", fault)
        assert (status, sut.job(post.job_id)["status"]) == (expected, end)

    def test_cancel_that_loses_to_the_finish_returns_409(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "finish")
        api = sut.start("jobs", before("jobs.save", "pause"))
        api.begin(sut.control_event("cancel", post.job_id), sut.now)
        assert api.finish().paused
        sut.run()
        assert sut.record_control("cancel", post.job_id, api.resume()) == 409
        assert sut.job(post.job_id)["status"] == "completed"


class TestCancelAgainstSubmit:
    @pytest.mark.parametrize("fault", [after("jobs.claim", "pause"), before("jobs.save", "pause")], ids=str)
    def test_cancel_before_the_intent_prevents_the_submission(self, sut: SystemUnderTest, fault: Fault) -> None:
        post, status = cancel_while_stopped(sut, "start", fault)
        assert (status, sut.job(post.job_id)["status"]) == (200, "cancelled")
        assert sut.provider.tasks == {}

    @pytest.mark.parametrize("beyond_its_lease", [False, True])
    @pytest.mark.parametrize(
        "fault",
        [
            after("jobs.save", "pause"),
            before("provider.submit", "pause"),
            after("provider.submit", "pause"),
            before("jobs.save", "pause", nth=2),
        ],
        ids=str,
    )
    def test_cancel_stops_a_submitted_task(self, sut: SystemUnderTest, fault: Fault, *, beyond_its_lease: bool) -> None:
        post, status = cancel_while_stopped(sut, "start", fault, beyond_its_lease=beyond_its_lease)
        assert (status, sut.job(post.job_id)["status"]) == (200, "cancelled")
        assert {task.cancelled for task in sut.provider.tasks.values()} == {True}

    def test_cancel_finds_and_stops_the_task_of_a_crashed_worker(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.deliver(sut.take(), at=sut.start("worker", after("provider.submit")))
        assert sut.control("cancel", post.job_id) == 200
        sut.run()
        assert [task.cancelled for task in sut.provider.tasks.values()] == [True]


class TestCancelWhileRendering:
    @pytest.mark.parametrize("beyond_its_lease", [False, True])
    @pytest.mark.parametrize(
        "fault",
        [
            after("renderer.render", "pause"),
            before("store.put", "pause"),
            after("store.put", "pause"),
            after("store.put", "pause", nth=3),
        ],
        ids=str,
    )
    def test_cancel_while_rendering_leaves_no_file_and_stops_the_task(
        self, sut: SystemUnderTest, fault: Fault, *, beyond_its_lease: bool
    ) -> None:
        post, status = cancel_while_stopped(sut, "render", fault, beyond_its_lease=beyond_its_lease)
        assert (status, sut.job(post.job_id)["status"]) == (200, "cancelled")
        assert sut.objects(post.job_id) == []
        assert [task.cancelled for task in sut.provider.tasks.values()] == [True]

    def test_cancel_after_a_crash_during_uploads_leaves_no_file(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        sut.deliver(next_message(sut), at=sut.start("render", after("store.put")))
        assert sut.control("cancel", post.job_id) == 200
        sut.run()
        assert sut.objects(post.job_id) == []


class TestCrashes:
    @pytest.mark.parametrize(
        "fault",
        [after("jobs.save"), before("queue.send"), after("queue.send"), after("notifier.publish")],
        ids=str,
    )
    def test_cancel_is_completed_after_a_crash(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert sut.control("cancel", post.job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert sut.job(post.job_id)["status"] == "cancelled"
        assert sut.control("cancel", post.job_id) == 200

    @pytest.mark.parametrize(
        "fault",
        [
            after("jobs.claim"),
            before("provider.cancel"),
            after("provider.cancel"),
            after("store.remove"),
            after("jobs.save"),
        ],
        ids=str,
    )
    def test_clean_up_is_completed_after_a_crash(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert sut.control("cancel", post.job_id) == 200
        dying = sut.arm("worker", fault)
        sut.run()
        assert not dying.alive
        assert sut.job(post.job_id)["status"] == "cancelled"

    @pytest.mark.parametrize("fault", [after("jobs.save"), after("store.remove"), after("jobs.remove")], ids=str)
    def test_deletion_is_hidden_and_completed_after_a_crash(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        sut.run()
        assert sut.control("delete", post.job_id, at=sut.start("jobs", fault)) is None
        assert sut.control("delete", post.job_id) == 404
        sut.run()
        assert (sut.jobs(), sut.objects(post.job_id)) == ([], [])

    def test_deletion_before_the_clean_up_removes_the_job_and_stops_its_task(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert [sut.control(action, post.job_id) for action in ("cancel", "delete")] == [200, 204]
        sut.run()
        assert (sut.jobs(), [task.cancelled for task in sut.provider.tasks.values()]) == ([], [True])

    @pytest.mark.parametrize("fault", [after("jobs.save"), before("queue.send"), after("queue.send")], ids=str)
    def test_retry_is_completed_after_a_crash(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        assert sut.control("cancel", post.job_id) == 200
        assert sut.control("retry", post.job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert (sut.job(post.job_id)["status"], sut.job(post.job_id)["attempt"]) == ("completed", 2)

    def test_retry_before_the_clean_up_generates_exactly_once_more(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert [sut.control(action, post.job_id) for action in ("cancel", "retry")] == [200, 200]
        sut.run()
        assert sut.job(post.job_id)["status"] == "completed"
        assert [task.cancelled for task in sut.provider.tasks.values()] == [True, False]


class TestSlots:
    """Crashes between the end of a job and the start of the next one."""

    @pytest.mark.parametrize("fault", [before("slots.release"), after("slots.release"), after("slots.acquire_waiting")])
    def test_waiting_jobs_are_admitted_after_a_crash(self, make_sut: MakeSystem, fault: Fault) -> None:
        sut = make_sut(cap=1)
        posts = [sut.post() for _ in range(3)]
        assert sut.control("cancel", posts[0].job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert [sut.job(post.job_id)["status"] for post in posts] == ["cancelled", "completed", "completed"]

    def test_slot_of_a_job_that_was_never_stored_is_released(self, make_sut: MakeSystem) -> None:
        sut = make_sut(cap=1)
        assert sut.post(at=sut.start("generate", after("slots.acquire"))).status is None
        waiting, other = sut.post(), sut.post(user=ANOTHER_USER)
        assert "waitingSince" in sut.job(waiting.job_id)
        assert "waitingSince" not in sut.job(other.job_id)
        sut.run()
        assert sut.job(waiting.job_id)["status"] == "completed"
        assert sut.job(waiting.job_id)["startedAt"] - sut.began < 2 * CHECK_EVERY


def test_step_of_a_cancelled_job_is_never_claimed(sut: SystemUnderTest) -> None:
    post = sut.post()
    message = sut.take()
    assert sut.control("cancel", post.job_id) == 200
    sut.deliver(message)
    sut.pass_time(LEASE_SECONDS)
    sut.run()
    assert [write["kind"] for write in sut.observations] == ["control"]
    assert sut.provider.calls == []
