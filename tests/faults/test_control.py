"""Scenario 11: a cancel against everything that may happen to a job at that moment; retries and deletions that die.

The checker holds the rest: what was cancelled or deleted leaves no file and no task, and a deleted job no document.
"""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import after, before, cancel_while_stopped, next_message
from tests.faults.system_under_test import ANOTHER_USER, LEASE_SECONDS, SystemUnderTest
from tests.faults.watched_ports import Fault
from videojobs.domain.slots import CHECK_EVERY

ROUNDS = 12


class TestCancelAgainstFinish:
    def test_of_both_at_once_one_wins_and_the_answer_says_which(self, unchecked_sut: MakeSystem) -> None:
        """In processes of their own; unchecked, as nobody can say in which order they saw their writes acknowledged."""
        sut = unchecked_sut()
        worker, api = sut.start("worker"), sut.start("jobs")
        told = {}
        for _ in range(ROUNDS):
            job_id = sut.post().job_id
            sut.run_to(job_id, "finish")
            message = next_message(sut)
            worker.begin(sut.batch(message), sut.now)
            api.begin(sut.wish_event("cancel", job_id), sut.now)
            told[job_id] = sut.heard("cancel", job_id, api.finish())
            sut.settle([message], worker.finish())
            sut.run()
        ends = {job_id: sut.job(job_id)["status"] for job_id in told}
        assert ends == {job_id: "cancelled" if status == 200 else "completed" for job_id, status in told.items()}
        assert set(told.values()) <= {200, 409}
        assert [job_id for job_id, end in ends.items() if end == "cancelled" and sut.objects(job_id)] == []

    @pytest.mark.parametrize(
        ("fault", "answer", "end"),
        [
            (after("jobs.claim", "pause"), 200, "cancelled"),
            (after("store.size", "pause"), 200, "cancelled"),
            (before("jobs.save", "pause"), 200, "cancelled"),
            (after("jobs.save", "pause"), 409, "completed"),
        ],
        ids=str,
    )
    def test_whichever_is_written_first_counts(self, sut: SystemUnderTest, fault: Fault, answer: int, end: str) -> None:
        post, told = cancel_while_stopped(sut, "finish", fault)
        assert (told, sut.job(post.job_id)["status"]) == (answer, end)

    def test_a_cancel_that_was_overtaken_by_the_finish_says_so(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "finish")
        api = sut.start("jobs", before("jobs.save", "pause"))
        api.begin(sut.wish_event("cancel", post.job_id), sut.now)
        assert api.finish().paused
        sut.run()
        assert sut.heard("cancel", post.job_id, api.resume()) == 409
        assert sut.job(post.job_id)["status"] == "completed"


class TestCancelAgainstSubmit:
    @pytest.mark.parametrize("fault", [after("jobs.claim", "pause"), before("jobs.save", "pause")], ids=str)
    def test_before_the_intent_nothing_is_submitted(self, sut: SystemUnderTest, fault: Fault) -> None:
        post, told = cancel_while_stopped(sut, "start", fault)
        assert (told, sut.job(post.job_id)["status"]) == (200, "cancelled")
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
    def test_what_was_submitted_is_stopped(self, sut: SystemUnderTest, fault: Fault, *, beyond_its_lease: bool) -> None:
        post, told = cancel_while_stopped(sut, "start", fault, beyond_its_lease=beyond_its_lease)
        assert (told, sut.job(post.job_id)["status"]) == (200, "cancelled")
        assert {task.cancelled for task in sut.provider.tasks.values()} == {True}

    def test_a_task_whose_submitter_died_is_found_and_stopped(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.deliver(sut.take(), at=sut.start("worker", after("provider.submit")))
        assert sut.wish("cancel", post.job_id) == 200
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
    def test_no_file_stays_and_its_task_is_stopped(
        self, sut: SystemUnderTest, fault: Fault, *, beyond_its_lease: bool
    ) -> None:
        post, told = cancel_while_stopped(sut, "render", fault, beyond_its_lease=beyond_its_lease)
        assert (told, sut.job(post.job_id)["status"]) == (200, "cancelled")
        assert sut.objects(post.job_id) == []
        assert [task.cancelled for task in sut.provider.tasks.values()] == [True]

    def test_a_renderer_that_dies_in_the_middle_of_its_uploads_leaves_no_file(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        sut.deliver(next_message(sut), at=sut.start("render", after("store.put")))
        assert sut.wish("cancel", post.job_id) == 200
        sut.run()
        assert sut.objects(post.job_id) == []


class TestWhoeverDiesMeanwhile:
    @pytest.mark.parametrize(
        "fault",
        [after("jobs.save"), before("queue.send"), after("queue.send"), after("notifier.publish")],
        ids=str,
    )
    def test_a_cancel_that_dies_after_its_write_is_done_all_the_same(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert sut.wish("cancel", post.job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert sut.job(post.job_id)["status"] == "cancelled"
        assert sut.wish("cancel", post.job_id) == 200

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
    def test_a_clean_up_that_dies_is_done_by_another(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert sut.wish("cancel", post.job_id) == 200
        dying = sut.arm("worker", fault)
        sut.run()
        assert not dying.alive
        assert sut.job(post.job_id)["status"] == "cancelled"

    @pytest.mark.parametrize("fault", [after("jobs.save"), after("store.remove"), after("jobs.remove")], ids=str)
    def test_a_deletion_that_dies_is_seen_by_nobody_and_done_by_another(
        self, sut: SystemUnderTest, fault: Fault
    ) -> None:
        post = sut.post()
        sut.run()
        assert sut.wish("delete", post.job_id, at=sut.start("jobs", fault)) is None
        assert sut.wish("delete", post.job_id) == 404
        sut.run()
        assert (sut.jobs(), sut.objects(post.job_id)) == ([], [])

    def test_a_job_deleted_before_its_clean_up_goes_with_it(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert [sut.wish(what, post.job_id) for what in ("cancel", "delete")] == [200, 204]
        sut.run()
        assert (sut.jobs(), [task.cancelled for task in sut.provider.tasks.values()]) == ([], [True])

    @pytest.mark.parametrize("fault", [after("jobs.save"), before("queue.send"), after("queue.send")], ids=str)
    def test_a_retry_that_dies_after_its_write_is_done_all_the_same(self, sut: SystemUnderTest, fault: Fault) -> None:
        post = sut.post()
        assert sut.wish("cancel", post.job_id) == 200
        assert sut.wish("retry", post.job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert (sut.job(post.job_id)["status"], sut.job(post.job_id)["attempt"]) == ("completed", 2)

    def test_a_job_retried_before_its_clean_up_is_generated_once_more_and_no_more(self, sut: SystemUnderTest) -> None:
        post = sut.post()
        sut.run_to(post.job_id, "render")
        assert [sut.wish(what, post.job_id) for what in ("cancel", "retry")] == [200, 200]
        sut.run()
        assert sut.job(post.job_id)["status"] == "completed"
        assert [task.cancelled for task in sut.provider.tasks.values()] == [True, False]


class TestPlaces:
    """A crash between a job's end and the next one's start."""

    @pytest.mark.parametrize("fault", [before("slots.release"), after("slots.release"), after("slots.acquire_waiting")])
    def test_who_waits_is_let_in_although_whoever_was_to_do_it_died(self, make_sut: MakeSystem, fault: Fault) -> None:
        sut = make_sut(cap=1)
        posts = [sut.post() for _ in range(3)]
        assert sut.wish("cancel", posts[0].job_id, at=sut.start("jobs", fault)) is None
        sut.run()
        assert [sut.job(post.job_id)["status"] for post in posts] == ["cancelled", "completed", "completed"]

    def test_a_place_of_a_job_that_was_never_stored_is_freed(self, make_sut: MakeSystem) -> None:
        sut = make_sut(cap=1)
        assert sut.post(at=sut.start("generate", after("slots.acquire"))).status is None
        waiting, other = sut.post(), sut.post(user=ANOTHER_USER)
        assert "waitingSince" in sut.job(waiting.job_id)
        assert "waitingSince" not in sut.job(other.job_id)
        sut.run()
        assert sut.job(waiting.job_id)["status"] == "completed"
        assert sut.job(waiting.job_id)["startedAt"] - sut.began < 2 * CHECK_EVERY


def test_a_worker_s_step_of_a_cancelled_job_is_claimed_by_nobody(sut: SystemUnderTest) -> None:
    post = sut.post()
    message = sut.take()
    assert sut.wish("cancel", post.job_id) == 200
    sut.deliver(message)
    sut.pass_time(LEASE_SECONDS)
    sut.run()
    assert [each["kind"] for each in sut.observations] == ["wish"]
    assert sut.provider.calls == []
