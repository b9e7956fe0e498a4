"""Scenario 11: a cancel against everything that may happen to a job at that moment; retries and deletions that die.

The checker holds the rest: what was cancelled or deleted leaves no file and no task, and a deleted job no document.
"""

import pytest

from tests.faults.conftest import MakeWorld
from tests.faults.scenarios import after, before, cancel_while_stopped, next_message
from tests.faults.watched_ports import Fault
from tests.faults.world import ANOTHER_USER, LEASE_SECONDS, World
from videojobs.domain.share import CHECK_EVERY

ROUNDS = 12


class TestCancelAgainstFinish:
    def test_of_both_at_once_one_wins_and_the_answer_says_which(self, unchecked_world: MakeWorld) -> None:
        """In processes of their own; unchecked, as nobody can say in which order they saw their writes acknowledged."""
        world = unchecked_world()
        worker, api = world.start("worker"), world.start("jobs")
        told = {}
        for _ in range(ROUNDS):
            job_id = world.post().job_id
            world.run_to(job_id, "finish")
            message = next_message(world)
            worker.begin(world.batch(message), world.now)
            api.begin(world.wish_event("cancel", job_id), world.now)
            told[job_id] = world.heard("cancel", job_id, api.finish())
            world.settle([message], worker.finish())
            world.run()
        ends = {job_id: world.job(job_id)["status"] for job_id in told}
        assert ends == {job_id: "cancelled" if status == 200 else "completed" for job_id, status in told.items()}
        assert set(told.values()) <= {200, 409}
        assert [job_id for job_id, end in ends.items() if end == "cancelled" and world.objects(job_id)] == []

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
    def test_whichever_is_written_first_counts(self, world: World, fault: Fault, answer: int, end: str) -> None:
        post, told = cancel_while_stopped(world, "finish", fault)
        assert (told, world.job(post.job_id)["status"]) == (answer, end)

    def test_a_cancel_that_was_overtaken_by_the_finish_says_so(self, world: World) -> None:
        post = world.post()
        world.run_to(post.job_id, "finish")
        api = world.start("jobs", before("jobs.save", "pause"))
        api.begin(world.wish_event("cancel", post.job_id), world.now)
        assert api.finish().paused
        world.run()
        assert world.heard("cancel", post.job_id, api.resume()) == 409
        assert world.job(post.job_id)["status"] == "completed"


class TestCancelAgainstSubmit:
    @pytest.mark.parametrize("fault", [after("jobs.claim", "pause"), before("jobs.save", "pause")], ids=str)
    def test_before_the_intent_nothing_is_submitted(self, world: World, fault: Fault) -> None:
        post, told = cancel_while_stopped(world, "start", fault)
        assert (told, world.job(post.job_id)["status"]) == (200, "cancelled")
        assert world.provider.tasks == {}

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
    def test_what_was_submitted_is_stopped(self, world: World, fault: Fault, *, beyond_its_lease: bool) -> None:
        post, told = cancel_while_stopped(world, "start", fault, beyond_its_lease=beyond_its_lease)
        assert (told, world.job(post.job_id)["status"]) == (200, "cancelled")
        assert {task.cancelled for task in world.provider.tasks.values()} == {True}

    def test_a_task_whose_submitter_died_is_found_and_stopped(self, world: World) -> None:
        post = world.post()
        world.deliver(world.take(), at=world.start("worker", after("provider.submit")))
        assert world.wish("cancel", post.job_id) == 200
        world.run()
        assert [task.cancelled for task in world.provider.tasks.values()] == [True]


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
    def test_no_file_stays_and_its_task_is_stopped(self, world: World, fault: Fault, *, beyond_its_lease: bool) -> None:
        post, told = cancel_while_stopped(world, "render", fault, beyond_its_lease=beyond_its_lease)
        assert (told, world.job(post.job_id)["status"]) == (200, "cancelled")
        assert world.objects(post.job_id) == []
        assert [task.cancelled for task in world.provider.tasks.values()] == [True]

    def test_a_renderer_that_dies_in_the_middle_of_its_uploads_leaves_no_file(self, world: World) -> None:
        post = world.post()
        world.run_to(post.job_id, "render")
        world.deliver(next_message(world), at=world.start("render", after("store.put")))
        assert world.wish("cancel", post.job_id) == 200
        world.run()
        assert world.objects(post.job_id) == []


class TestWhoeverDiesMeanwhile:
    @pytest.mark.parametrize(
        "fault",
        [after("jobs.save"), before("queue.send"), after("queue.send"), after("notifier.publish")],
        ids=str,
    )
    def test_a_cancel_that_dies_after_its_write_is_done_all_the_same(self, world: World, fault: Fault) -> None:
        post = world.post()
        world.run_to(post.job_id, "render")
        assert world.wish("cancel", post.job_id, at=world.start("jobs", fault)) is None
        world.run()
        assert world.job(post.job_id)["status"] == "cancelled"
        assert world.wish("cancel", post.job_id) == 200

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
    def test_a_clean_up_that_dies_is_done_by_another(self, world: World, fault: Fault) -> None:
        post = world.post()
        world.run_to(post.job_id, "render")
        assert world.wish("cancel", post.job_id) == 200
        dying = world.arm("worker", fault)
        world.run()
        assert not dying.alive
        assert world.job(post.job_id)["status"] == "cancelled"

    @pytest.mark.parametrize("fault", [after("jobs.save"), after("store.remove"), after("jobs.remove")], ids=str)
    def test_a_deletion_that_dies_is_seen_by_nobody_and_done_by_another(self, world: World, fault: Fault) -> None:
        post = world.post()
        world.run()
        assert world.wish("delete", post.job_id, at=world.start("jobs", fault)) is None
        assert world.wish("delete", post.job_id) == 404
        world.run()
        assert (world.jobs(), world.objects(post.job_id)) == ([], [])

    def test_a_job_deleted_before_its_clean_up_goes_with_it(self, world: World) -> None:
        post = world.post()
        world.run_to(post.job_id, "render")
        assert [world.wish(what, post.job_id) for what in ("cancel", "delete")] == [200, 204]
        world.run()
        assert (world.jobs(), [task.cancelled for task in world.provider.tasks.values()]) == ([], [True])

    @pytest.mark.parametrize("fault", [after("jobs.save"), before("queue.send"), after("queue.send")], ids=str)
    def test_a_retry_that_dies_after_its_write_is_done_all_the_same(self, world: World, fault: Fault) -> None:
        post = world.post()
        assert world.wish("cancel", post.job_id) == 200
        assert world.wish("retry", post.job_id, at=world.start("jobs", fault)) is None
        world.run()
        assert (world.job(post.job_id)["status"], world.job(post.job_id)["attempt"]) == ("completed", 2)

    def test_a_job_retried_before_its_clean_up_is_generated_once_more_and_no_more(self, world: World) -> None:
        post = world.post()
        world.run_to(post.job_id, "render")
        assert [world.wish(what, post.job_id) for what in ("cancel", "retry")] == [200, 200]
        world.run()
        assert world.job(post.job_id)["status"] == "completed"
        assert [task.cancelled for task in world.provider.tasks.values()] == [True, False]


class TestPlaces:
    """A crash between a job's end and the next one's start."""

    @pytest.mark.parametrize("fault", [before("shares.leave"), after("shares.leave"), after("shares.enter_waiting")])
    def test_who_waits_is_let_in_although_whoever_was_to_do_it_died(self, make_world: MakeWorld, fault: Fault) -> None:
        world = make_world(cap=1)
        posts = [world.post() for _ in range(3)]
        assert world.wish("cancel", posts[0].job_id, at=world.start("jobs", fault)) is None
        world.run()
        assert [world.job(post.job_id)["status"] for post in posts] == ["cancelled", "completed", "completed"]

    def test_a_place_of_a_job_that_was_never_stored_is_freed(self, make_world: MakeWorld) -> None:
        world = make_world(cap=1)
        assert world.post(at=world.start("generate", after("shares.enter"))).status is None
        waiting, other = world.post(), world.post(user=ANOTHER_USER)
        assert "waitingSince" in world.job(waiting.job_id)
        assert "waitingSince" not in world.job(other.job_id)
        world.run()
        assert world.job(waiting.job_id)["status"] == "completed"
        assert world.job(waiting.job_id)["startedAt"] - world.began < 2 * CHECK_EVERY


def test_a_worker_s_step_of_a_cancelled_job_is_claimed_by_nobody(world: World) -> None:
    post = world.post()
    message = world.take()
    assert world.wish("cancel", post.job_id) == 200
    world.deliver(message)
    world.pass_time(LEASE_SECONDS)
    world.run()
    assert [each["kind"] for each in world.observations] == ["wish"]
    assert world.provider.calls == []
