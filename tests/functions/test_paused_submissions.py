"""Paused submissions: new jobs are refused, and everything else works."""

from typing import Any

import pytest

from tests.functions.system_under_test import NOW, USER, SystemUnderTest, a_batch
from videojobs.domain.job import JobStatus
from videojobs.domain.submissions import SubmissionState

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
BATCH = {"items": [REQUEST, REQUEST]}
JOB = "/api/videos/665f1f77bcf86cd799439011"
PAUSED = SubmissionState(NOW, "the provider's bill", 300)
NEW_JOBS: list[tuple[str, Any]] = [
    ("/api/videos/generate", REQUEST),
    ("/api/videos/batch", BATCH),
    (f"{JOB}/retry", None),
]


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_a_new_job_is_refused_with_retry_after_while_submissions_are_paused(
    sut: SystemUnderTest, path: str, body: Any
) -> None:
    failed = sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.pause(NOW, reason=PAUSED.reason, retry_after_seconds=300)

    response = sut.call("POST", path, body)

    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "300")
    assert "New videos are paused" in response.json["error"]["message"]
    assert PAUSED.reason not in response.text
    assert (sut.jobs.all(), sut.queue.sent) == ([failed], [])


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_new_jobs_are_accepted_after_submissions_are_resumed(sut: SystemUnderTest, path: str, body: Any) -> None:
    sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)
    sut.submissions.resume()
    assert sut.call("POST", path, body).status in {200, 201}


@pytest.mark.parametrize(("path", "body"), NEW_JOBS)
def test_new_jobs_are_accepted_if_the_state_is_unavailable(sut: SystemUnderTest, path: str, body: Any) -> None:
    sut.put(status=JobStatus.FAILED, next=None)
    sut.submissions.available = False
    assert sut.call("POST", path, body).status in {200, 201}


def test_all_other_requests_work_while_submissions_are_paused(sut: SystemUnderTest) -> None:
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
def test_a_repeat_of_an_accepted_request_is_answered_while_submissions_are_paused(
    sut: SystemUnderTest, path: str, body: Any
) -> None:
    key = {"Idempotency-Key": "mine"}
    first = sut.call("POST", path, body, headers=key)
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)

    repeated = sut.call("POST", path, body, headers=key)

    assert (repeated.status, repeated.text, repeated.headers["location"]) == (
        201,
        first.text,
        first.headers["location"],
    )
    assert repeated.headers["idempotent-replayed"] == "true"
    assert sut.call("POST", path, body, headers={"Idempotency-Key": "another"}).status == 503


@pytest.mark.parametrize(("path", "body"), NEW_JOBS[:2])
def test_an_invalid_request_is_refused_as_invalid_while_submissions_are_paused(
    sut: SystemUnderTest, path: str, body: Any
) -> None:
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)
    assert sut.call("POST", path, {**body, "typo": 1}).status == 400
    assert sut.call("POST", path, body, headers={"Cookie": None}).status == 401
