"""Scenarios 2, 3, 4, 12 and 13: duplicate, late, lost and malformed messages, and repeated requests."""

import json

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import (
    after,
    before,
    dead_letter_during_a_step,
    deliver_a_message_concurrently,
    redeliver_messages_late,
    repeat_a_request_concurrently,
)
from tests.faults.system_under_test import SystemUnderTest
from tests.faults.watched_ports import Fault


@pytest.mark.parametrize("policy", ["repeat", "resubmit"])
def test_message_delivered_sixteen_times_concurrently_is_processed_once(make_sut: MakeSystem, policy: str) -> None:
    sut = make_sut(unknown_submit=policy)
    post = deliver_a_message_concurrently(sut)
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_message_of_an_ended_step_is_ignored(sut: SystemUnderTest) -> None:
    post = redeliver_messages_late(sut)
    assert sut.job(post.job_id)["status"] == "completed"
    assert sut.provider.calls.count("GET /tasks/task-1") == 2


def test_message_that_precedes_its_document_is_resent(sut: SystemUnderTest) -> None:
    post = sut.post()
    outcome = sut.deliver(sut.take(), at=sut.start("worker", before("jobs.claim", "nothing")))
    assert outcome.response == {"batchItemFailures": []}
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["rejected", "response lost"])
@pytest.mark.parametrize("calls", [1, 2])
def test_post_is_accepted_and_processed_if_its_message_can_not_be_sent(
    sut: SystemUnderTest, calls: int, *, carried_out: bool
) -> None:
    sut.cloud.disturb("SendMessage", calls=calls, carried_out=carried_out)
    post = sut.post()
    assert post.status == 201
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("carried_out", [False, True], ids=["rejected", "response lost"])
def test_job_survives_a_short_outage_of_the_queues(sut: SystemUnderTest, *, carried_out: bool) -> None:
    post = sut.post()
    sut.cloud.disturb("SendMessage", calls=6, carried_out=carried_out)
    sut.cloud.disturb("SendMessageBatch", calls=6, carried_out=carried_out)
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert not sut.job(post.job_id).get("outbox")


@pytest.mark.parametrize("fault", [before("queue.send"), after("queue.send"), after("jobs.add")], ids=str)
def test_job_ends_after_a_crash_of_its_post(sut: SystemUnderTest, fault: Fault) -> None:
    post = sut.post(at=sut.start("generate", fault))
    assert post.status is None
    sut.run()
    (job,) = sut.jobs()
    assert job["status"] == "completed"


def test_crashed_post_repeated_with_its_key_creates_one_job(sut: SystemUnderTest) -> None:
    sut.post("once", key="k", at=sut.start("generate", after("jobs.add")))
    repeated = sut.post("once", key="k")
    assert repeated.status == 201
    sut.run()
    assert len(sut.jobs()) == 1


def test_concurrent_requests_with_one_key_create_one_job(sut: SystemUnderTest) -> None:
    posts = repeat_a_request_concurrently(sut)
    assert {post.status for post in posts} == {201}
    assert len({post.job_id for post in posts}) == len(sut.jobs()) == 1


def test_concurrent_different_request_with_the_same_key_is_rejected(sut: SystemUnderTest) -> None:
    one, other = sut.start("generate"), sut.start("generate")
    one.begin(sut.post_event("one", "key"), sut.now, times=8)
    other.begin(sut.post_event("another", "key"), sut.now, times=8)
    posts = sut.acknowledge("one", "key", one.finish()) + sut.acknowledge("another", "key", other.finish())
    sut.run()
    (job,) = sut.jobs()
    assert {post.status for post in posts if post.prompt == job["prompt"]} == {201}
    assert {post.status for post in posts if post.prompt != job["prompt"]} == {422}


def test_malformed_message_fails_alone_in_a_batch_of_ten(sut: SystemUnderTest) -> None:
    for _ in range(9):
        sut.post()
    sut.queues.send("JobsQueue", '{"jobId": "')
    messages = sut.queues.receive("JobsQueue")
    (bad,) = (message for message in messages if message.body.endswith('"'))
    outcome = sut.deliver(*messages)
    assert outcome.response == {"batchItemFailures": [{"itemIdentifier": bad.id}]}
    sut.run()
    assert {job["status"] for job in sut.jobs()} == {"completed"}


def test_message_that_always_fails_ends_its_job_with_an_error_message(sut: SystemUnderTest) -> None:
    post = sut.post()
    body = sut.take().body
    poison = {"next.step": "poll"}  # without a submitted task
    sut.database["videojobs"].update_one({"next.id": json.loads(body)["stepId"]}, {"$set": poison})
    sut.run()
    job = sut.job(post.job_id)
    assert job["status"] == "failed"
    assert job["errorMessage"].endswith("Please try again.")


def test_dead_letter_does_not_fail_a_job_with_a_live_lease(sut: SystemUnderTest) -> None:
    post = dead_letter_during_a_step(sut)
    assert sut.job(post.job_id)["status"] == "completed"


def test_damaged_document_does_not_block_other_jobs(sut: SystemUnderTest) -> None:
    damaged, post = sut.post(), sut.post()
    sut.queues.purge("JobsQueue")
    sut.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "dance"}})
    sut.run(hours=0.2)
    assert sut.job(post.job_id)["status"] == "completed"
    sut.database["videojobs"].update_one({"prompt": damaged.prompt}, {"$set": {"next.step": "start"}})
    sut.run()
    assert sut.job(damaged.job_id)["status"] == "completed"
