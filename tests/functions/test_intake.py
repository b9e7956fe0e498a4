"""While operators have paused the intake new jobs are refused, and everything else goes on."""

from typing import Any

import pytest

from tests.functions.system_under_test import NOW, USER, SystemUnderTest, a_batch
from videojobs.domain.job import JobStatus
from videojobs.domain.submissions import SubmissionState

WISH = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
BATCH = {"items": [WISH, WISH]}
JOB = "/api/videos/665f1f77bcf86cd799439011"
PAUSED = SubmissionState(NOW, "the provider's bill", 300)
NEW_JOBS: list[tuple[str, Any]] = [
    ("/api/videos/generate", WISH),
    ("/api/videos/batch", BATCH),
    (f"{JOB}/retry", None),
]


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_a_paused_intake_takes_no_new_job_and_says_when_to_come_back(
    sut: SystemUnderTest, path: str, body: Any
) -> None:
    failed = sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.pause(NOW, reason=PAUSED.reason, retry_after_seconds=300)

    answer = sut.call("POST", path, body)

    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "300")
    assert "New videos are paused" in answer.json["error"]["message"]
    assert PAUSED.reason not in answer.text
    assert (sut.jobs.all(), sut.queue.sent) == ([failed], [])


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_an_intake_that_was_opened_again_takes_them(sut: SystemUnderTest, path: str, body: Any) -> None:
    sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)
    sut.submissions.resume()
    assert sut.call("POST", path, body).status in {200, 201}


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_a_switch_that_does_not_answer_stops_nobody(sut: SystemUnderTest, path: str, body: Any) -> None:
    sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.available = False
    assert sut.call("POST", path, body).status in {200, 201}


def test_all_else_goes_on_during_a_pause(sut: SystemUnderTest) -> None:
    sut.put()
    batch = a_batch(sut, USER, JobStatus.COMPLETED)
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)

    assert sut.call("GET", JOB).status == 200
    assert sut.call("GET", "/api/videos").status == 200
    assert sut.call("GET", f"/api/batches/{batch.id}").status == 200
    assert sut.call("POST", f"{JOB}/cancel").status == 200
    assert sut.call("POST", "/api/realtime/ticket").status == 201
    assert sut.call("DELETE", JOB).status == 204
    assert sut.call("DELETE", "/api/users/me/videos").status == 204


@pytest.mark.parametrize(("path", "body"), NEW_JOBS[:2])
def test_a_repeat_of_what_was_accepted_is_answered_during_a_pause(sut: SystemUnderTest, path: str, body: Any) -> None:
    key = {"Idempotency-Key": "mine"}
    first = sut.call("POST", path, body, headers=key)
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)

    again = sut.call("POST", path, body, headers=key)

    assert (again.status, again.text, again.headers["location"]) == (201, first.text, first.headers["location"])
    assert again.headers["idempotent-replayed"] == "true"
    assert sut.call("POST", path, body, headers={"Idempotency-Key": "another"}).status == 503


@pytest.mark.parametrize(("path", "body"), NEW_JOBS[:2])
def test_what_was_never_right_is_told_so_during_a_pause(sut: SystemUnderTest, path: str, body: Any) -> None:
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)
    assert sut.call("POST", path, {**body, "typo": 1}).status == 400
    assert sut.call("POST", path, body, headers={"Cookie": None}).status == 401
