"""Scenario 7: a provider that is busy, broken, silent or wrong, and never charged for more than was attempted."""

import pytest

from tests.faults.conftest import MakeWorld
from tests.faults.scenarios import the_provider_always_fails, the_provider_never_ends
from tests.faults.world import World

AMBIGUOUS = ["500", "html", "nothing", "hang"]


@pytest.mark.parametrize("policy", ["repeat", "find"])
@pytest.mark.parametrize("answer", [*AMBIGUOUS, *(f"{each}+task" for each in AMBIGUOUS)])
def test_a_submit_without_a_telling_answer_costs_one_generation(
    make_world: MakeWorld, answer: str, policy: str
) -> None:
    world = make_world(unknown_submit=policy)
    world.provider.submits.append(answer)
    post = world.post()
    world.run()
    job = world.job(post.job_id)
    assert (job["status"], job["attempt"], len(world.provider.tasks)) == ("completed", 1, 1)


@pytest.mark.parametrize("answer", ["nothing", "nothing+task"])
def test_where_a_task_can_t_be_found_another_attempt_is_made_and_said_so(make_world: MakeWorld, answer: str) -> None:
    world = make_world(unknown_submit="resubmit")
    world.provider.submits.append(answer)
    post = world.post()
    world.run()
    job = world.job(post.job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert any("nobody knows" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize("answer", ["nothing", "nothing+task"])
def test_where_nothing_may_be_paid_twice_the_job_ends_with_words(make_world: MakeWorld, answer: str) -> None:
    world = make_world(unknown_submit="fail")
    world.provider.submits.append(answer)
    post = world.post()
    world.run()
    job = world.job(post.job_id)
    assert job["status"] == "failed"
    assert "must not be paid for twice" in job["errorMessage"]


def test_a_busy_provider_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    world.provider.submits.append("429")
    post = world.post()
    world.deliver(world.take())
    started = world.now
    job = world.job(post.job_id)
    assert (job["next"]["dueAt"] - started).total_seconds() >= 20
    world.run()
    assert world.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("answer", [*AMBIGUOUS, "429"])
def test_a_poll_that_brings_nothing_is_made_again(world: World, answer: str) -> None:
    world.provider.polls.extend([answer, answer])
    post = world.post()
    world.run()
    assert world.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize(("answer", "status"), [("error", "completed"), ("refusal", "failed")])
def test_a_success_with_an_error_inside_is_an_error(world: World, answer: str, status: str) -> None:
    world.provider.submits.append(answer)
    post = world.post()
    world.run()
    assert world.job(post.job_id)["status"] == status
    assert len(world.provider.tasks) == (1 if status == "completed" else 0)


def test_a_provider_that_never_ends_is_given_up_at_the_deadline(world: World) -> None:
    post = the_provider_never_ends(world)
    job = world.job(post.job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "timeout")
    assert all(task.cancelled for task in world.provider.tasks.values())


def test_a_provider_that_always_fails_is_paid_for_as_many_attempts_as_allowed(world: World) -> None:
    post = the_provider_always_fails(world)
    assert world.job(post.job_id)["status"] == "failed"
    assert len(world.provider.tasks) == world.attempts


def test_a_provider_that_is_down_burns_no_attempts_of_those_who_wait(world: World) -> None:
    for _ in range(6):
        world.post()
    world.provider.submits.extend(["500"] * 12)
    world.run()
    assert {(job["status"], job["attempt"]) for job in world.jobs()} == {("completed", 1)}
    assert any("waiting" in entry["note"] for job in world.jobs() for entry in job["history"])


def test_a_provider_without_pixels_gives_its_own_url(make_world: MakeWorld) -> None:
    world = make_world(yields_pixels=False)
    post = world.post()
    world.run()
    assert world.job(post.job_id)["videoUrl"] == world.provider.tasks["task-1"].url
