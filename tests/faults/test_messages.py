"""Scenarios 2, 3, 4, 12 and 13: messages twice, late, lost or malformed, and requests that come again."""

import json

import pytest

from tests.faults.conftest import MakeWorld
from tests.faults.scenarios import (
    a_dead_letter_while_somebody_works,
    a_message_comes_again_much_later,
    after,
    before,
    the_same_message_at_once,
    the_same_request_at_once,
)
from tests.faults.watched_ports import Fault
from tests.faults.world import World


@pytest.mark.parametrize("policy", ["repeat", "resubmit"])
def test_a_message_that_comes_sixteen_times_at_once_is_worked_on_once(make_world: MakeWorld, policy: str) -> None:
    world = make_world(unknown_submit=policy)
    post = the_same_message_at_once(world)
    assert world.job(post.job_id)["status"] == "completed"
    assert len(world.provider.tasks) == 1


def test_a_message_that_comes_again_when_its_step_is_over_does_nothing(world: World) -> None:
    post = a_message_comes_again_much_later(world)
    assert world.job(post.job_id)["status"] == "completed"
    assert world.provider.calls.count("GET /tasks/task-1") == 2


def test_a_message_that_comes_before_its_document_can_be_seen_is_sent_again(world: World) -> None:
    post = world.post()
    outcome = world.deliver(world.take(), at=world.start("worker", before("jobs.claim", "nothing")))
    assert outcome.answer == {"batchItemFailures": []}
    world.run()
    assert world.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_post_whose_message_can_t_be_sent_is_accepted_and_worked_on(
    world: World, calls: int, *, carried_out: bool
) -> None:
    world.cloud.disturb("SendMessage", calls=calls, carried_out=carried_out)
    post = world.post()
    assert post.status == 201
    world.run()
    assert world.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["refused", "answer lost"])
def test_a_job_outlives_queues_that_refuse_for_a_while(world: World, *, carried_out: bool) -> None:
    post = world.post()
    world.cloud.disturb("SendMessage", calls=6, carried_out=carried_out)
    world.cloud.disturb("SendMessageBatch", calls=6, carried_out=carried_out)
    world.run()
    assert world.job(post.job_id)["status"] == "completed"
    assert not world.job(post.job_id).get("outbox")


@pytest.mark.parametrize("fault", [before("queue.send"), after("queue.send"), after("jobs.add")], ids=str)
def test_a_post_that_dies_after_its_insert_leaves_a_job_that_ends(world: World, fault: Fault) -> None:
    post = world.post(at=world.start("generate", fault))
    assert post.status is None
    world.run()
    (job,) = world.jobs()
    assert job["status"] == "completed"


def test_a_post_that_dies_and_comes_again_with_its_key_makes_one_job(world: World) -> None:
    world.post("once", key="k", at=world.start("generate", after("jobs.add")))
    again = world.post("once", key="k")
    assert again.status == 201
    world.run()
    assert len(world.jobs()) == 1


def test_a_request_that_comes_at_once_many_times_makes_one_job(world: World) -> None:
    posts = the_same_request_at_once(world)
    assert {post.status for post in posts} == {201}
    assert len({post.job_id for post in posts}) == len(world.jobs()) == 1


def test_another_request_with_the_same_key_at_once_is_refused(world: World) -> None:
    one, other = world.start("generate"), world.start("generate")
    one.begin(world.post_event("one", "key"), world.now, times=8)
    other.begin(world.post_event("another", "key"), world.now, times=8)
    posts = world.acknowledge("one", "key", one.finish()) + world.acknowledge("another", "key", other.finish())
    world.run()
    (job,) = world.jobs()
    assert {post.status for post in posts if post.prompt == job["prompt"]} == {201}
    assert {post.status for post in posts if post.prompt != job["prompt"]} == {422}


def test_one_malformed_message_in_a_batch_of_ten_fails_alone(world: World) -> None:
    for _ in range(9):
        world.post()
    world.queues.send("JobsQueue", '{"jobId": "')
    messages = world.queues.receive("JobsQueue")
    (bad,) = (message for message in messages if message.body.endswith('"'))
    outcome = world.deliver(*messages)
    assert outcome.answer == {"batchItemFailures": [{"itemIdentifier": bad.id}]}
    world.run()
    assert {job["status"] for job in world.jobs()} == {"completed"}


def test_a_message_that_always_fails_ends_its_job_with_words(world: World) -> None:
    post = world.post()
    body = world.take().body
    poison = {"next.step": "poll"}  # of a task that nobody has submitted
    world.database["videojobs"].update_one({"next.id": json.loads(body)["stepId"]}, {"$set": poison})
    world.run()
    job = world.job(post.job_id)
    assert job["status"] == "failed"
    assert job["errorMessage"].endswith("Please try again.")


def test_a_dead_letter_ends_no_job_that_somebody_works_on(world: World) -> None:
    post = a_dead_letter_while_somebody_works(world)
    assert world.job(post.job_id)["status"] == "completed"


def test_a_damaged_document_holds_up_no_other_job(world: World) -> None:
    damaged, post = world.post(), world.post()
    world.queues.purge("JobsQueue")
    world.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "dance"}})
    world.run(hours=0.2)
    assert world.job(post.job_id)["status"] == "completed"
    world.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "start"}})
    world.run()
    assert world.job(damaged.job_id)["status"] == "completed"
