"""Scenarios 2, 3, 4, 12 and 13: messages twice, late, lost or malformed, and requests that come again."""

import json

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import (
    a_dead_letter_while_somebody_works,
    a_message_comes_again_much_later,
    after,
    before,
    the_same_message_at_once,
    the_same_request_at_once,
)
from tests.faults.system_under_test import SystemUnderTest
from tests.faults.watched_ports import Fault


@pytest.mark.parametrize("policy", ["repeat", "resubmit"])
def test_a_message_that_comes_sixteen_times_at_once_is_worked_on_once(make_sut: MakeSystem, policy: str) -> None:
    sut = make_sut(unknown_submit=policy)
    post = the_same_message_at_once(sut)
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_a_message_that_comes_again_when_its_step_is_over_does_nothing(sut: SystemUnderTest) -> None:
    post = a_message_comes_again_much_later(sut)
    assert sut.job(post.job_id)["status"] == "completed"
    assert sut.provider.calls.count("GET /tasks/task-1") == 2


def test_a_message_that_comes_before_its_document_can_be_seen_is_sent_again(sut: SystemUnderTest) -> None:
    post = sut.post()
    outcome = sut.deliver(sut.take(), at=sut.start("worker", before("jobs.claim", "nothing")))
    assert outcome.answer == {"batchItemFailures": []}
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_post_whose_message_can_t_be_sent_is_accepted_and_worked_on(
    sut: SystemUnderTest, calls: int, *, carried_out: bool
) -> None:
    sut.cloud.disturb("SendMessage", calls=calls, carried_out=carried_out)
    post = sut.post()
    assert post.status == 201
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["refused", "answer lost"])
def test_a_job_outlives_queues_that_refuse_for_a_while(sut: SystemUnderTest, *, carried_out: bool) -> None:
    post = sut.post()
    sut.cloud.disturb("SendMessage", calls=6, carried_out=carried_out)
    sut.cloud.disturb("SendMessageBatch", calls=6, carried_out=carried_out)
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert not sut.job(post.job_id).get("outbox")


@pytest.mark.parametrize("fault", [before("queue.send"), after("queue.send"), after("jobs.add")], ids=str)
def test_a_post_that_dies_after_its_insert_leaves_a_job_that_ends(sut: SystemUnderTest, fault: Fault) -> None:
    post = sut.post(at=sut.start("generate", fault))
    assert post.status is None
    sut.run()
    (job,) = sut.jobs()
    assert job["status"] == "completed"


def test_a_post_that_dies_and_comes_again_with_its_key_makes_one_job(sut: SystemUnderTest) -> None:
    sut.post("once", key="k", at=sut.start("generate", after("jobs.add")))
    again = sut.post("once", key="k")
    assert again.status == 201
    sut.run()
    assert len(sut.jobs()) == 1


def test_a_request_that_comes_at_once_many_times_makes_one_job(sut: SystemUnderTest) -> None:
    posts = the_same_request_at_once(sut)
    assert {post.status for post in posts} == {201}
    assert len({post.job_id for post in posts}) == len(sut.jobs()) == 1


def test_another_request_with_the_same_key_at_once_is_refused(sut: SystemUnderTest) -> None:
    one, other = sut.start("generate"), sut.start("generate")
    one.begin(sut.post_event("one", "key"), sut.now, times=8)
    other.begin(sut.post_event("another", "key"), sut.now, times=8)
    posts = sut.acknowledge("one", "key", one.finish()) + sut.acknowledge("another", "key", other.finish())
    sut.run()
    (job,) = sut.jobs()
    assert {post.status for post in posts if post.prompt == job["prompt"]} == {201}
    assert {post.status for post in posts if post.prompt != job["prompt"]} == {422}


def test_one_malformed_message_in_a_batch_of_ten_fails_alone(sut: SystemUnderTest) -> None:
    for _ in range(9):
        sut.post()
    sut.queues.send("JobsQueue", '{"jobId": "')
    messages = sut.queues.receive("JobsQueue")
    (bad,) = (message for message in messages if message.body.endswith('"'))
    outcome = sut.deliver(*messages)
    assert outcome.answer == {"batchItemFailures": [{"itemIdentifier": bad.id}]}
    sut.run()
    assert {job["status"] for job in sut.jobs()} == {"completed"}


def test_a_message_that_always_fails_ends_its_job_with_words(sut: SystemUnderTest) -> None:
    post = sut.post()
    body = sut.take().body
    poison = {"next.step": "poll"}  # of a task that nobody has submitted
    sut.database["videojobs"].update_one({"next.id": json.loads(body)["stepId"]}, {"$set": poison})
    sut.run()
    job = sut.job(post.job_id)
    assert job["status"] == "failed"
    assert job["errorMessage"].endswith("Please try again.")


def test_a_dead_letter_ends_no_job_that_somebody_works_on(sut: SystemUnderTest) -> None:
    post = a_dead_letter_while_somebody_works(sut)
    assert sut.job(post.job_id)["status"] == "completed"


def test_a_damaged_document_holds_up_no_other_job(sut: SystemUnderTest) -> None:
    damaged, post = sut.post(), sut.post()
    sut.queues.purge("JobsQueue")
    sut.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "dance"}})
    sut.run(hours=0.2)
    assert sut.job(post.job_id)["status"] == "completed"
    sut.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "start"}})
    sut.run()
    assert sut.job(damaged.job_id)["status"] == "completed"
