"""Cancel, retry and delete: their effects, their conflicts, and the response to a repeated call."""

import pytest

from tests.builders import a_step
from tests.functions.system_under_test import NOW
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, Lease, ProviderTask, Step
from videojobs.domain.request import Priority

ENDED = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]
PROCESSING = {
    "status": JobStatus.PROCESSING,
    "started_at": NOW,
    "provider": ProviderTask("sketch", NOW, "ref"),
    "next": a_step(Step.RENDER),
}


def cancel(sut, job, **overrides):
    return sut.call("POST", f"/api/videos/{job.id}/cancel", **overrides)


def retry(sut, job, **overrides):
    return sut.call("POST", f"/api/videos/{job.id}/retry", **overrides)


def delete(sut, job, **overrides):
    return sut.call("DELETE", f"/api/videos/{job.id}", **overrides)


CALLS = pytest.mark.parametrize("do", [cancel, retry, delete], ids=lambda do: do.__name__)


@pytest.mark.parametrize("fields", [{}, PROCESSING, PROCESSING | {"lease": Lease("theirs", NOW)}])
def test_a_live_job_is_cancelled(sut, fields):
    job = sut.put(**fields)
    response = cancel(sut, job)
    assert response.status == 200
    assert response.json["data"]["status"] == "cancelled"
    assert response.json == sut.get(job.id).json
    assert sut.jobs.get(job.id).status is JobStatus.CANCELLED
    assert sut.notifier.published


def test_cancelling_a_job_twice_returns_the_same_response(sut):
    job = sut.put()
    first, repeated = cancel(sut, job), cancel(sut, job)
    assert (first.status, first.text) == (repeated.status, repeated.text)
    assert first.status == 200


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_an_ended_job_cannot_be_cancelled(sut, status):
    response = cancel(sut, sut.put(status=status, next=None))
    assert (response.status, response.code) == (409, "CONFLICT")
    assert status in response.json["error"]["message"]


def test_a_cancel_after_the_finish_is_a_conflict(sut):
    job = sut.put(**PROCESSING)

    def finish_first(before, _after):
        sut.jobs.before_save = None
        sut.jobs.put(before.moved(JobStatus.COMPLETED, NOW, "completed", next=None, lease=None))

    sut.jobs.before_save = finish_first
    assert cancel(sut, job).status == 409
    assert sut.get(job.id).json["data"]["status"] == "completed"


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_failed_or_cancelled_job_is_queued_by_a_retry(sut, status):
    job = sut.put(status=status, next=None, error_message="No.", started_at=NOW)
    response = retry(sut, job)
    assert response.status == 200
    data = response.json["data"]
    assert (data["status"], data["errorMessage"], data["queuePosition"]) == ("queued", None, 1)
    assert int(response.headers["retry-after"]) >= 1
    assert [sent.job_id for sent in sut.queue.sent] == [job.id]
    assert sut.jobs.get(job.id).attempt == 2


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED])
def test_a_job_with_another_status_cannot_be_retried(sut, status):
    response = retry(sut, sut.put(status=status))
    assert (response.status, response.code) == (409, "CONFLICT")
    assert sut.queue.sent == []


def test_a_retry_with_high_priority_needs_the_claim_of_the_current_session(sut):
    job = sut.put(status=JobStatus.FAILED, next=None, priority=Priority.HIGH)
    refused = retry(sut, job)
    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert sut.jobs.get(job.id) == job
    assert retry(sut, job, headers=sut.sign_in(priority="high")).status == 200


@pytest.mark.parametrize(("provider", "status"), [("fal", 200), ("luma", 400)])
def test_a_retry_uses_the_chosen_provider_only_while_it_can_be_chosen(sut, provider, status):
    job = sut.put(status=JobStatus.FAILED, next=None, requested_provider=provider)
    response = retry(sut, job)
    assert response.status == status
    if status == 400:
        assert (response.code, list(response.details)) == ("VALIDATION_ERROR", ["provider"])
        assert sut.jobs.get(job.id) == job


def test_a_second_retry_is_a_conflict(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    assert [retry(sut, job).status for _ in range(2)] == [200, 409]


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_job_is_deleted_with_its_files(sut, status):
    job = sut.put(status=status, next=None)
    sut.store.objects = dict.fromkeys(job.object_keys, b"x") | {"videos/another/1.mp4": b"x"}
    response = delete(sut, job)
    assert (response.status, response.text) == (204, "")
    assert "content-type" not in response.headers
    assert list(sut.store.objects) == ["videos/another/1.mp4"]
    assert sut.jobs.all() == []
    assert sut.get(job.id).status == 404


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_a_live_job_cannot_be_deleted(sut, status):
    response = delete(sut, sut.put(status=status))
    assert (response.status, response.code) == (409, "CONFLICT")
    assert len(sut.jobs.all()) == 1


def test_deleting_a_job_twice_returns_404(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    assert [delete(sut, job).status for _ in range(2)] == [204, 404]


def test_a_job_deleted_before_its_clean_up_is_hidden_at_once(sut):
    job = sut.put(**PROCESSING)
    assert [cancel(sut, job).status, delete(sut, job).status, sut.get(job.id).status] == [200, 204, 404]
    assert sut.list().json["data"]["items"] == []


def test_a_job_whose_files_cannot_be_deleted_is_hidden_and_kept_for_its_clean_up(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    sut.store.available = False
    assert [delete(sut, job).status for _ in range(2)] == [503, 404]
    [hidden] = sut.jobs.all()
    assert (hidden.id, hidden.next.step) == (job.id, Step.CLEAN_UP)


@CALLS
@pytest.mark.parametrize("job_id", ["x", "0" * 24, "null", "%00", "🛶", "a" * 5000])
def test_an_unknown_or_invalid_job_id_is_not_found(sut, do, job_id):
    class UnknownJob:
        id = job_id

    response = do(sut, UnknownJob)
    assert (response.status, response.code) == (404, "NOT_FOUND")


@CALLS
def test_an_unavailable_database_returns_503_with_retry_after(sut, do):
    job = sut.put(status=JobStatus.FAILED)
    sut.shut_down()
    response = do(sut, job)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    with pytest.raises(Unavailable):
        sut.jobs.find(job.id)


@CALLS
def test_a_cross_site_request_is_forbidden(sut, do):
    job = sut.put(status=JobStatus.FAILED, next=None)
    response = do(sut, job, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert sut.jobs.all() == [job]


@CALLS
def test_an_expired_job_is_not_found(sut, do):
    job = sut.put(status=JobStatus.FAILED, next=None, expires_at=NOW)
    assert do(sut, job).status == 404


@pytest.mark.parametrize("body", [None, "", "{}", " {} "])
def test_an_absent_or_empty_body_is_accepted(sut, body):
    assert cancel(sut, sut.put(), body=body, headers={"Content-Type": "application/json"}).status == 200


@CALLS
@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ('{"reason": "none"}', "application/json", "VALIDATION_ERROR"),
        ("[]", "application/json", "VALIDATION_ERROR"),
        ("{", "application/json", "VALIDATION_ERROR"),
        ("reason=none", "application/x-www-form-urlencoded", "UNSUPPORTED_MEDIA_TYPE"),
        ("{}" + " " * 70_000, "application/json", "TOO_LARGE"),
    ],
)
def test_any_other_body_is_refused_without_an_effect(sut, do, body, content_type, code):
    job = sut.put(status=JobStatus.FAILED, next=None)
    response = do(sut, job, body=body, headers={"Content-Type": content_type})
    assert response.code == code
    assert sut.jobs.all() == [job]


def test_the_number_of_reported_fields_is_limited(sut):
    details = cancel(sut, sut.put(), body={f"x{number}": 1 for number in range(1000)}).details
    assert len(details) == 20
    assert set(details.values()) == {"Is not a field of this request. Send no fields."}


@pytest.mark.parametrize("action", ["Cancel", "stop", "retry/now", "content"])
def test_another_path_is_not_found(sut, action):
    job = sut.put()
    response = cancel(sut, job, path=f"/api/videos/{job.id}/{action}")
    assert (response.status, response.code) == (404, "NOT_FOUND")
