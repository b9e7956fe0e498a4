"""Batches of SQS messages: an invalid message does not block the others and reaches the dead-letter queue."""

import json
import logging

import pytest

from videojobs.api.batch import process_batch
from videojobs.domain.errors import Unavailable

JOB_ID = "665f1f77bcf86cd799439011"
GOOD = json.dumps({"jobId": JOB_ID, "stepId": "step-1"})


def event(*bodies):
    return {
        "Records": [
            {"messageId": f"m-{number}", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
            for number, body in enumerate(bodies)
        ]
    }


def failed(response):
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_messages_are_handled_in_order():
    handled = []
    second = json.dumps({"jobId": "0" * 24, "stepId": "step-2", "added": "later"})
    response = process_batch(event(GOOD, second), lambda job_id, step_id: handled.append((job_id, step_id)))
    assert response == {"batchItemFailures": []}
    assert handled == [(JOB_ID, "step-1"), ("0" * 24, "step-2")]


@pytest.mark.parametrize(
    "poison",
    ["", "{", "null", "[]", "7", '"x"', "NaN", "{}", "[" * 100_000, None, {"jobId": JOB_ID, "stepId": "s"}]
    + [json.dumps({"jobId": JOB_ID}), json.dumps({"stepId": "s"}), json.dumps({"jobId": JOB_ID, "stepId": ""})]
    + [
        json.dumps({"jobId": job_id, "stepId": "s"})
        for job_id in ("x", JOB_ID.upper(), None, 7, {"$ne": 1}, JOB_ID + "\n")
    ]
    + [json.dumps({"jobId": JOB_ID, "stepId": step_id}) for step_id in (None, 7, ["s"], {"$gt": ""})],
)
def test_an_invalid_message_fails_alone_and_is_not_handled(poison):
    handled = []
    response = process_batch(event(GOOD, poison, GOOD), lambda job_id, _: handled.append(job_id))
    assert failed(response) == ["m-1"]
    assert handled == [JOB_ID, JOB_ID]


def test_a_malformed_message_without_a_queue_is_logged_and_dropped(caplog):
    def handle(job_id, step_id):
        raise Unavailable

    assert failed(process_batch(event("poison", GOOD), handle, drop_malformed=True)) == ["m-1"]
    assert caplog.records[0].action == "message_malformed"


@pytest.mark.parametrize(
    ("error", "level"),
    [(Unavailable(), logging.WARNING), (ValueError("x"), logging.ERROR), (MemoryError(), logging.ERROR)],
)
def test_one_failed_message_of_ten_is_reported_as_the_only_failure(caplog, error, level):
    calls = iter(range(10))

    def handle(job_id, step_id):
        if next(calls) == 6:
            raise error

    caplog.set_level(logging.INFO)
    assert failed(process_batch(event(*[GOOD] * 10), handle)) == ["m-6"]
    (record,) = caplog.records
    assert (record.levelno, record.action, record.job_id, record.message_id) == (level, "message_failed", JOB_ID, "m-6")
    assert record.exc_info is not None


def test_every_failed_message_is_reported_and_no_error_is_raised():
    def handle(job_id, step_id):
        raise ValueError(job_id)

    assert failed(process_batch(event(GOOD, GOOD), handle)) == ["m-0", "m-1"]


def test_the_body_of_a_message_is_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    process_batch(event('{"prompt": "a secret boat"}'), lambda *_: None)
    assert caplog.records
    assert "secret boat" not in caplog.text


def test_an_empty_batch_has_no_failures():
    assert process_batch(event(), lambda *_: None) == {"batchItemFailures": []}
