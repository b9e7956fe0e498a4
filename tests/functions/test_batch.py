"""POST /api/videos/batch and GET /api/batches/{batchId}: batches are stored as a whole, and counted by status."""

import json
from urllib.parse import urljoin

import pytest

from tests.functions.system_under_test import ANOTHER_USER, USER, a_batch
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus
from videojobs.domain.request import Priority

ITEM = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}


def items(count, **changes):
    return {"items": [ITEM | {"prompt": f"Boat {number}"} | changes for number in range(count)]}


def test_a_batch_is_queued_and_its_jobs_are_returned_in_the_order_of_the_request(sut):
    response = sut.post_batch(items(3))
    assert response.status == 201
    (batch,) = sut.batches.all()
    assert response.json == {
        "success": True,
        "data": {
            "batchId": batch.id,
            "items": [{"jobId": job_id, "status": "queued"} for job_id in batch.job_ids],
        },
    }
    assert urljoin("/api/videos/batch", response.headers["location"]) == f"/api/batches/{batch.id}"
    jobs = [sut.jobs.get(item["jobId"]) for item in response.json["data"]["items"]]
    assert [job.prompt for job in jobs] == ["Boat 0", "Boat 1", "Boat 2"]
    assert {(job.user_id, job.batch_id, job.status) for job in jobs} == {(USER, batch.id, JobStatus.QUEUED)}
    assert {sent.job_id for sent in sut.queue.sent} == set(batch.job_ids)


@pytest.mark.parametrize("count", [1, 50])
def test_a_batch_can_have_1_to_50_items(sut, count):
    sut.slots.cap = 50
    assert len(sut.post_batch(items(count)).json["data"]["items"]) == count


def test_jobs_of_a_batch_over_the_cap_wait_with_the_same_response(sut):
    response = sut.post_batch(items(25))
    assert [item["status"] for item in response.json["data"]["items"]] == ["queued"] * 25
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
def test_an_invalid_batch_is_reported_by_field_path_and_not_stored(sut, body, fields):
    response = sut.post_batch(body)
    assert (response.status, response.code) == (400, "VALIDATION_ERROR")
    assert list(response.details) == fields
    assert all(message.endswith(".") for message in response.details.values())
    assert (sut.batches.all(), sut.jobs.all(), sut.queue.sent) == ([], [], [])


def test_an_unknown_field_is_reported_with_the_allowed_fields(sut):
    details = sut.post_batch({"items": [ITEM | {"aspect": "16:9"}], "extra": 1}).details
    takes = "prompt, style, duration, aspectRatio, priority, provider, seed, negativePrompt, sound, resolution"
    assert details["items[0].aspect"] == f"Is not a field of an item. Use only: {takes}."
    assert details["extra"] == "Is not a field of this request. Use only: items, priority."


def test_the_number_of_reported_problems_is_limited(sut):
    assert len(sut.post_batch({"items": [{"x": 1}] * 50}).details) == 20


@pytest.mark.parametrize("item", ['{"\\ud800": 1}', '{"prompt": "\\ud800"}', '{"a": 1, "a": 2}', '{"duration": NaN}'])
def test_an_invalid_item_is_refused_with_details(sut, item):
    response = sut.post_batch(f'{{"items": [{item}]}}')
    assert response.status == 400
    assert response.details


def test_a_body_of_1_mib_is_accepted(sut):
    text = json.dumps(items(50))
    assert sut.post_batch(text + " " * (1024 * 1024 - len(text))).status == 201


def test_a_body_over_1_mib_is_too_large(sut):
    text = json.dumps(items(50))
    response = sut.post_batch(text + " " * (1024 * 1024 - len(text) + 1))
    assert (response.status, response.code) == (413, "TOO_LARGE")
    assert "1024 KiB" in response.json["error"]["message"]


def test_the_priority_of_an_item_overrides_that_of_the_batch(sut):
    high = {"headers": sut.sign_in(priority="high")}
    body = {"items": [ITEM, ITEM | {"priority": "normal"}, ITEM | {"priority": "high"}], "priority": "high"}
    response = sut.post_batch(body, **high)
    jobs = [sut.jobs.get(item["jobId"]) for item in response.json["data"]["items"]]
    assert [job.priority for job in jobs] == [Priority.HIGH, Priority.NORMAL, Priority.HIGH]
    assert [sent.lane for sent in sut.queue.sent].count(Priority.HIGH) == 2


@pytest.mark.parametrize(
    "body", [{"items": [ITEM], "priority": "high"}, {"items": [ITEM, ITEM | {"priority": "high"}]}]
)
def test_a_batch_with_a_high_priority_item_is_forbidden_without_the_permission(sut, body):
    response = sut.post_batch(body)
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert "priority" in response.json["error"]["message"]
    assert (sut.batches.all(), sut.jobs.all()) == ([], [])


def test_a_batch_of_normal_priority_items_needs_no_permission(sut):
    assert sut.post_batch({"items": [ITEM | {"priority": "normal"}], "priority": "high"}).status == 201


def test_repeating_key_and_batch_returns_the_same_response_without_a_second_batch(sut):
    key = {"Idempotency-Key": "first-batch"}
    first, repeated = (sut.post_batch(items(3), headers=key) for _ in range(2))
    late = sut.post_batch(items(3, duration=8.0), headers=key)
    assert first.status == repeated.status == late.status == 201
    assert first.text == repeated.text == late.text
    assert first.headers["location"] == late.headers["location"]
    assert ["idempotent-replayed" in response.headers for response in (first, repeated, late)] == [False, True, True]
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
    response = sut.post_batch(other, headers=key)
    assert (response.status, response.code) == (422, "IDEMPOTENCY_MISMATCH")
    assert len(sut.jobs.all()) == 3


def test_keys_of_different_users_are_independent(sut):
    key = {"Idempotency-Key": "first-batch"}
    first = sut.post_batch(items(1), headers=key)
    other = sut.post_batch(items(1), headers=key | sut.sign_in(ANOTHER_USER))
    assert first.json["data"]["batchId"] != other.json["data"]["batchId"]


def test_a_failing_database_returns_503_and_stores_nothing(sut):
    sut.batches.available = False
    response = sut.post_batch(items(3))
    assert (response.status, response.code) == (503, "UNAVAILABLE")
    assert (sut.jobs.all(), sut.queue.sent) == ([], [])


def test_a_batch_whose_response_was_lost_is_found_by_its_key(sut):
    sut.batches.answers_lost = True
    key = {"Idempotency-Key": "first-batch"}
    assert sut.post_batch(items(2), headers=key).status == 503
    sut.batches.answers_lost = False
    response = sut.post_batch(items(2), headers=key)
    assert (response.status, response.headers["idempotent-replayed"]) == (201, "true")
    assert len(sut.jobs.all()) == 2


def test_the_jobs_of_a_batch_are_counted_by_status(sut):
    statuses = [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.CANCELLED]
    batch = a_batch(sut, USER, *statuses)
    response = sut.call("GET", f"/api/batches/{batch.id.upper()}")
    assert response.status == 200
    assert response.json == {
        "success": True,
        "data": {
            "batchId": batch.id,
            "createdAt": "2026-01-08T10:00:00.123Z",
            "total": 5,
            "counts": {"queued": 2, "processing": 1, "completed": 1, "failed": 0, "cancelled": 1},
        },
    }


def test_a_deleted_job_is_counted_in_the_total_only(sut):
    batch = a_batch(sut, USER, JobStatus.COMPLETED, JobStatus.FAILED)
    assert sut.call("DELETE", f"/api/videos/{batch.job_ids[1]}").status == 204
    data = sut.call("GET", f"/api/batches/{batch.id}").json["data"]
    assert (data["total"], sum(data["counts"].values())) == (2, 1)


def test_the_jobs_of_a_batch_are_listed_by_its_id(sut):
    sut.put()
    posted = sut.post_batch(items(3)).json["data"]
    listed = sut.list(batchId=posted["batchId"]).json["data"]["items"]
    assert {job["jobId"] for job in listed} == {item["jobId"] for item in posted["items"]}
    assert {job["batchId"] for job in listed} == {posted["batchId"]}


@pytest.mark.parametrize("batch_id", ["x", "0" * 24, "null", "%00", "a" * 5000])
def test_an_unknown_or_invalid_batch_id_is_not_found(sut, batch_id):
    response = sut.call("GET", f"/api/batches/{batch_id}")
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_an_expired_batch_is_not_found(sut):
    batch = a_batch(sut)
    sut.clock.advance(days=60)
    assert sut.call("GET", f"/api/batches/{batch.id}").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_not_found(sut, method):
    response = sut.post_batch(items(1), httpMethod=method)
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_an_unavailable_database_returns_503_with_retry_after(sut):
    batch = a_batch(sut)
    sut.shut_down()
    for response in (sut.post_batch(items(1)), sut.call("GET", f"/api/batches/{batch.id}")):
        assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    with pytest.raises(Unavailable):
        sut.jobs.find(batch.job_ids[0])
