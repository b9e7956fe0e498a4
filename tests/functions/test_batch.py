"""POST /api/videos/batch and GET /api/batches/{batchId}: all or nothing, and how far it has come."""

import json

import pytest

from tests.functions.system_under_test import ANOTHER_USER, USER, a_batch
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus
from videojobs.domain.request import Priority

ITEM = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}


def items(count, **changes):
    return {"items": [ITEM | {"prompt": f"Boat {number}"} | changes for number in range(count)]}


def test_a_batch_is_queued_and_answered_with_its_jobs_in_the_order_of_the_request(sut):
    answer = sut.post_batch(items(3))
    assert answer.status == 201
    (batch,) = sut.batches.all()
    assert answer.json == {
        "success": True,
        "data": {
            "batchId": batch.id,
            "items": [{"jobId": job_id, "status": "queued"} for job_id in batch.job_ids],
        },
    }
    assert answer.headers["location"] == f"/api/batches/{batch.id}"
    jobs = [sut.jobs.get(each["jobId"]) for each in answer.json["data"]["items"]]
    assert [job.prompt for job in jobs] == ["Boat 0", "Boat 1", "Boat 2"]
    assert {(job.user_id, job.batch_id, job.status) for job in jobs} == {(USER, batch.id, JobStatus.QUEUED)}
    assert {sent.job_id for sent in sut.queue.sent} == set(batch.job_ids)


@pytest.mark.parametrize("count", [1, 50])
def test_1_to_50_items_are_taken(sut, count):
    sut.slots.cap = 50
    assert len(sut.post_batch(items(count)).json["data"]["items"]) == count


def test_what_is_over_the_users_cap_waits_and_is_answered_alike(sut):
    answer = sut.post_batch(items(25))
    assert [each["status"] for each in answer.json["data"]["items"]] == ["queued"] * 25
    assert len(sut.queue.sent) == 20


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["items"]),
        ({"items": []}, ["items"]),
        (items(51), ["items"]),
        *(({"items": value}, ["items"]) for value in [None, {}, "x", 5, {"0": ITEM}, True]),
        (items(2) | {"title": "x"}, ["title"]),
        (items(2) | {"priority": "urgent"}, ["priority"]),
        (items(2) | {"priority": None}, ["priority"]),
        ({"items": [ITEM] * 4 + [ITEM | {"duration": "8"}]}, ["items[4].duration"]),
        ({"items": [ITEM | {"foo": 1}]}, ["items[0].foo"]),
        ({"items": [ITEM, 7, None, [], "x"]}, ["items[1]", "items[2]", "items[3]", "items[4]"]),
        ({"items": [ITEM, {}]}, [f"items[1].{name}" for name in ITEM]),
        ({"items": [ITEM | {"priority": "low"}], "priority": "high"}, ["items[0].priority"]),
        ({"items": [{"items": [ITEM]}]}, [*(f"items[0].{name}" for name in ITEM), "items[0].items"]),
    ],
)
def test_what_breaks_a_rule_is_named_by_its_path_and_nothing_is_stored(sut, body, fields):
    answer = sut.post_batch(body)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.details) == fields
    assert all(message.endswith(".") for message in answer.details.values())
    assert (sut.batches.all(), sut.jobs.all(), sut.queue.sent) == ([], [], [])


def test_an_unknown_field_of_an_item_is_told_what_an_item_takes(sut):
    details = sut.post_batch({"items": [ITEM | {"aspect": "16:9"}], "extra": 1}).details
    takes = "prompt, style, duration, aspectRatio, priority, provider"
    assert details["items[0].aspect"] == f"Is not a field of an item. Use only: {takes}."
    assert details["extra"] == "Is not a field of this request. Use only: items, priority."


def test_a_thousand_problems_get_no_thousand_lines(sut):
    assert len(sut.post_batch({"items": [{"x": 1}] * 50}).details) == 20


@pytest.mark.parametrize("item", ['{"\\ud800": 1}', '{"prompt": "\\ud800"}', '{"a": 1, "a": 2}', '{"duration": NaN}'])
def test_garbage_in_an_item_is_refused_with_words(sut, item):
    answer = sut.post_batch(f'{{"items": [{item}]}}')
    assert answer.status == 400
    assert answer.details


def test_a_body_of_1_mib_is_read(sut):
    text = json.dumps(items(50))
    assert sut.post_batch(text + " " * (1024 * 1024 - len(text))).status == 201


def test_a_body_over_1_mib_is_too_large(sut):
    text = json.dumps(items(50))
    answer = sut.post_batch(text + " " * (1024 * 1024 - len(text) + 1))
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert "1024 KiB" in answer.json["error"]["message"]


def test_an_items_own_priority_goes_before_the_batchs(sut):
    high = {"headers": sut.sign_in(priority="high")}
    body = {"items": [ITEM, ITEM | {"priority": "normal"}, ITEM | {"priority": "high"}], "priority": "high"}
    answer = sut.post_batch(body, **high)
    jobs = [sut.jobs.get(each["jobId"]) for each in answer.json["data"]["items"]]
    assert [job.priority for job in jobs] == [Priority.HIGH, Priority.NORMAL, Priority.HIGH]
    assert [sent.lane for sent in sut.queue.sent].count(Priority.HIGH) == 2


@pytest.mark.parametrize(
    "body", [{"items": [ITEM], "priority": "high"}, {"items": [ITEM, ITEM | {"priority": "high"}]}]
)
def test_without_the_right_a_batch_with_anything_high_in_it_is_forbidden(sut, body):
    answer = sut.post_batch(body)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert "priority" in answer.json["error"]["message"]
    assert (sut.batches.all(), sut.jobs.all()) == ([], [])


def test_a_batch_of_high_priority_in_which_nothing_is_high_needs_no_right(sut):
    assert sut.post_batch({"items": [ITEM | {"priority": "normal"}], "priority": "high"}).status == 201


def test_the_same_key_and_batch_again_is_the_same_answer_and_no_second_batch(sut):
    key = {"Idempotency-Key": "first-batch"}
    first, again = (sut.post_batch(items(3), headers=key) for _ in range(2))
    late = sut.post_batch(items(3, duration=8.0), headers=key)
    assert first.status == again.status == late.status == 201
    assert first.text == again.text == late.text
    assert first.headers["location"] == late.headers["location"]
    assert ["idempotent-replayed" in answer.headers for answer in (first, again, late)] == [False, True, True]
    assert (len(sut.batches.all()), len(sut.jobs.all())) == (1, 3)


@pytest.mark.parametrize(
    "other",
    [
        items(4),
        items(3, duration=9),
        {"items": items(3)["items"][::-1]},
        items(2),
    ],
    ids=["one more", "other durations", "another order", "one less"],
)
def test_the_same_key_for_another_batch_is_a_mismatch(sut, other):
    key = {"Idempotency-Key": "first-batch"}
    sut.post_batch(items(3), headers=key)
    answer = sut.post_batch(other, headers=key)
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert len(sut.jobs.all()) == 3


def test_another_users_key_of_the_same_name_is_another_key(sut):
    key = {"Idempotency-Key": "first-batch"}
    first = sut.post_batch(items(1), headers=key)
    other = sut.post_batch(items(1), headers=key | sut.sign_in(ANOTHER_USER))
    assert first.json["data"]["batchId"] != other.json["data"]["batchId"]


def test_a_database_that_fails_in_the_middle_is_503_and_leaves_nothing(sut):
    sut.batches.available = False
    answer = sut.post_batch(items(3))
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert (sut.jobs.all(), sut.queue.sent) == ([], [])


def test_an_answer_of_the_database_that_was_lost_is_found_by_the_same_key(sut):
    sut.batches.answers_lost = True
    key = {"Idempotency-Key": "first-batch"}
    assert sut.post_batch(items(2), headers=key).status == 503
    sut.batches.answers_lost = False
    answer = sut.post_batch(items(2), headers=key)
    assert (answer.status, answer.headers["idempotent-replayed"]) == (201, "true")
    assert len(sut.jobs.all()) == 2


def test_a_batch_is_counted_by_status(sut):
    statuses = [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.CANCELLED]
    batch = a_batch(sut, USER, *statuses)
    answer = sut.call("GET", f"/api/batches/{batch.id.upper()}")
    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "data": {
            "batchId": batch.id,
            "createdAt": "2026-01-08T10:00:00.123Z",
            "total": 5,
            "counts": {"queued": 2, "processing": 1, "completed": 1, "failed": 0, "cancelled": 1},
        },
    }


def test_a_job_that_was_deleted_is_counted_nowhere_but_in_the_total(sut):
    batch = a_batch(sut, USER, JobStatus.COMPLETED, JobStatus.FAILED)
    assert sut.call("DELETE", f"/api/videos/{batch.job_ids[1]}").status == 204
    counted = sut.call("GET", f"/api/batches/{batch.id}").json["data"]
    assert (counted["total"], sum(counted["counts"].values())) == (2, 1)


def test_the_jobs_of_a_batch_are_listed_by_its_id(sut):
    sut.put()
    posted = sut.post_batch(items(3)).json["data"]
    listed = sut.list(batchId=posted["batchId"]).json["data"]["items"]
    assert {job["jobId"] for job in listed} == {item["jobId"] for item in posted["items"]}
    assert {job["batchId"] for job in listed} == {posted["batchId"]}


@pytest.mark.parametrize("batch_id", ["x", "0" * 24, "null", "%00", "a" * 5000])
def test_no_such_batch_or_an_id_that_is_no_id_is_not_found(sut, batch_id):
    answer = sut.call("GET", f"/api/batches/{batch_id}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_an_expired_batch_is_not_found(sut):
    batch = a_batch(sut)
    sut.clock.advance(days=60)
    assert sut.call("GET", f"/api/batches/{batch.id}").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_not_found(sut, method):
    answer = sut.post_batch(items(1), httpMethod=method)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_mongodb_out_of_reach_is_503_with_retry_after(sut):
    batch = a_batch(sut)
    sut.shut_down()
    for answer in (sut.post_batch(items(1)), sut.call("GET", f"/api/batches/{batch.id}")):
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    with pytest.raises(Unavailable):
        sut.jobs.find(batch.job_ids[0])
