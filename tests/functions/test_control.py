"""Cancel, retry and delete: what they do, when they can't be done, and that each repeat is answered truthfully."""

import pytest

from tests.builders import a_step
from tests.functions.system_under_test import NOW
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, Lease, ProviderTask, Step

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
def test_a_live_job_is_cancelled_and_shown_so(sut, fields):
    job = sut.put(**fields)
    answer = cancel(sut, job)
    assert answer.status == 200
    assert answer.json["data"]["status"] == "cancelled"
    assert answer.json == sut.get(job.id).json
    assert sut.jobs.get(job.id).status is JobStatus.CANCELLED
    assert sut.notifier.published


def test_cancelling_again_is_the_same_again(sut):
    job = sut.put()
    first, again = cancel(sut, job), cancel(sut, job)
    assert (first.status, first.text) == (again.status, again.text)
    assert first.status == 200


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_has_ended_otherwise_is_not_cancelled(sut, status):
    answer = cancel(sut, sut.put(status=status, next=None))
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert status in answer.json["error"]["message"]


def test_a_cancellation_that_comes_just_after_the_end_says_who_won(sut):
    job = sut.put(**PROCESSING)

    def finish_first(before, _after):
        sut.jobs.before_save = None
        sut.jobs.put(before.moved(JobStatus.COMPLETED, NOW, "completed", next=None, lease=None))

    sut.jobs.before_save = finish_first
    assert cancel(sut, job).status == 409
    assert sut.get(job.id).json["data"]["status"] == "completed"


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_failed_or_was_cancelled_is_queued_again(sut, status):
    job = sut.put(status=status, next=None, error_message="No.", started_at=NOW)
    answer = retry(sut, job)
    assert answer.status == 200
    shown = answer.json["data"]
    assert (shown["status"], shown["errorMessage"], shown["queuePosition"]) == ("queued", None, 1)
    assert int(answer.headers["retry-after"]) >= 1
    assert [sent.job_id for sent in sut.queue.sent] == [job.id]
    assert sut.jobs.get(job.id).attempt == 2


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED])
def test_any_other_job_is_not_retried(sut, status):
    answer = retry(sut, sut.put(status=status))
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert sut.queue.sent == []


def test_of_two_retries_the_second_is_told_that_it_runs(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    assert [retry(sut, job).status for _ in range(2)] == [200, 409]


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_job_is_deleted_with_its_files(sut, status):
    job = sut.put(status=status, next=None)
    sut.store.objects = dict.fromkeys(job.object_keys, b"x") | {"videos/another/1.mp4": b"x"}
    answer = delete(sut, job)
    assert (answer.status, answer.text) == (204, "")
    assert "content-type" not in answer.headers
    assert list(sut.store.objects) == ["videos/another/1.mp4"]
    assert sut.jobs.all() == []
    assert sut.get(job.id).status == 404


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
def test_a_live_job_is_not_deleted(sut, status):
    answer = delete(sut, sut.put(status=status))
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert len(sut.jobs.all()) == 1


def test_a_second_deletion_finds_no_job(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    assert [delete(sut, job).status for _ in range(2)] == [204, 404]


def test_a_job_whose_clean_up_is_to_come_is_gone_for_its_user_at_once(sut):
    job = sut.put(**PROCESSING)
    assert [cancel(sut, job).status, delete(sut, job).status, sut.get(job.id).status] == [200, 204, 404]
    assert sut.list().json["data"]["items"] == []


def test_a_bucket_out_of_reach_keeps_the_document_that_knows_of_the_files_but_shows_it_to_nobody(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    sut.store.available = False
    assert [delete(sut, job).status for _ in range(2)] == [503, 404]
    [hidden] = sut.jobs.all()
    assert (hidden.id, hidden.next.step) == (job.id, Step.CLEAN_UP)


@CALLS
@pytest.mark.parametrize("job_id", ["x", "0" * 24, "null", "%00", "🛶", "a" * 5000])
def test_no_such_job_or_an_id_that_is_no_id_is_not_found(sut, do, job_id):
    class Nobody:
        id = job_id

    answer = do(sut, Nobody)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@CALLS
def test_mongodb_out_of_reach_is_503_with_retry_after(sut, do):
    job = sut.put(status=JobStatus.FAILED)
    sut.shut_down()
    answer = do(sut, job)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    with pytest.raises(Unavailable):
        sut.jobs.find(job.id)


@CALLS
def test_another_sites_page_can_do_nothing(sut, do):
    job = sut.put(status=JobStatus.FAILED, next=None)
    answer = do(sut, job, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert sut.jobs.all() == [job]


@CALLS
def test_an_expired_job_is_not_found_though_the_sweep_has_not_come_by(sut, do):
    job = sut.put(status=JobStatus.FAILED, next=None, expires_at=NOW)
    assert do(sut, job).status == 404


@pytest.mark.parametrize("body", [None, "", "{}", " {} "])
def test_no_body_or_an_empty_object_is_taken(sut, body):
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
def test_any_other_body_is_refused_and_nothing_done(sut, do, body, content_type, code):
    job = sut.put(status=JobStatus.FAILED, next=None)
    answer = do(sut, job, body=body, headers={"Content-Type": content_type})
    assert answer.code == code
    assert sut.jobs.all() == [job]


def test_a_thousand_fields_get_no_thousand_lines(sut):
    details = cancel(sut, sut.put(), body={f"x{number}": 1 for number in range(1000)}).details
    assert len(details) == 20
    assert set(details.values()) == {"Is not a field of this request. Send no fields."}


@pytest.mark.parametrize("action", ["Cancel", "stop", "retry/now", "content"])
def test_another_path_is_not_found(sut, action):
    job = sut.put()
    answer = cancel(sut, job, path=f"/api/videos/{job.id}/{action}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
