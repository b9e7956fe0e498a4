"""Polling of GET /api/videos/{jobId}: changes are returned, and unchanged jobs cost a 304 response."""

from copy import replace
from datetime import timedelta

import pytest

from tests.fakes.store import SIGNING_WINDOW_SECONDS
from tests.functions.system_under_test import NOW
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus
from videojobs.domain.storage import StoredObject

COMPLETED = {
    "status": JobStatus.COMPLETED,
    "video_url": "s3://videos/videos/a.mp4",
    "poster": StoredObject("videos", "videos/a.jpg", 5),
    "next": None,
}


def poll(sut, job, etag=None):
    return sut.get(job.id, headers={"If-None-Match": etag})


def test_a_response_has_an_etag_and_may_be_cached_by_the_browser_only(sut):
    headers = sut.get(sut.put().id).headers
    assert headers["etag"].startswith('W/"')
    assert headers["cache-control"] == "private, no-cache"


def test_an_unchanged_job_returns_304_without_a_body(sut):
    job = sut.put(**COMPLETED)
    etag = poll(sut, job).headers["etag"]
    response = poll(sut, job, etag)
    assert (response.status, response.text, response.headers["etag"]) == (304, "", etag)
    assert response.headers["cache-control"] == "private, no-cache"
    assert "content-type" not in response.headers


def test_a_304_response_for_a_live_job_contains_retry_after(sut):
    job = sut.put()
    first = poll(sut, job)
    second = poll(sut, job, first.headers["etag"])
    assert second.status == 304
    assert second.headers["retry-after"] == first.headers["retry-after"]


@pytest.mark.parametrize("lines", ['"x", {}', "{},{}", "*", ' "x" , {} '])
def test_if_none_match_can_be_a_list_or_an_asterisk(sut, lines):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    assert poll(sut, job, lines.format(etag, etag)).status == 304


@pytest.mark.parametrize("lines", ['"x"', "", "nonsense", 'W/"', "\ud800"])
def test_another_etag_returns_the_whole_job(sut, lines):
    response = poll(sut, sut.put(), lines)
    assert response.status == 200
    assert response.json["data"]["status"] == "queued"


@pytest.mark.parametrize(
    "change",
    [
        {"status": JobStatus.PROCESSING, "started_at": NOW},
        {"progress": 0.5},
        {"updated_at": NOW + timedelta(milliseconds=1)},
        {"error_message": "No."},
        {"version": 7},
        {"video_url": "s3://videos/videos/b.mp4"},
        {"poster": StoredObject("videos", "videos/b.jpg", 5), "status": JobStatus.COMPLETED},
    ],
)
def test_every_visible_change_changes_the_etag(sut, change):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    sut.jobs.put(replace(job, **change))
    response = poll(sut, job, etag)
    assert response.status == 200
    assert response.headers["etag"] != etag


@pytest.mark.parametrize("change", [{"attempt": 2}, {"lease": None, "history": ()}, {"outbox": ()}])
def test_an_invisible_change_does_not_change_the_etag(sut, change):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    sut.jobs.put(replace(job, **change))
    assert poll(sut, job, etag).status == 304


def test_a_304_response_never_refers_to_an_expired_url(sut):
    job = sut.put(**COMPLETED)
    first = poll(sut, job)
    while (response := poll(sut, job, first.headers["etag"])).status == 304:
        assert sut.store.presigned_url(job.video_url, sut.clock.now()) == first.json["data"]["videoUrl"]
        sut.clock.advance(seconds=30)
    assert response.json["data"]["videoUrl"] != first.json["data"]["videoUrl"]
    assert (sut.clock.now() - NOW).total_seconds() <= SIGNING_WINDOW_SECONDS + 30


def test_a_url_signed_with_other_credentials_has_the_same_etag(sut):
    job = sut.put(**COMPLETED)
    first = poll(sut, job)
    sign = sut.store.presigned_url
    sut.store.presigned_url = lambda *args: f"{sign(*args)}&credentials=of-another-instance"
    second = poll(sut, job)
    assert first.json["data"]["videoUrl"] != second.json["data"]["videoUrl"]
    assert first.headers["etag"] == second.headers["etag"]


def test_the_etag_of_a_job_without_urls_does_not_change_over_time(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    etag = poll(sut, job).headers["etag"]
    sut.clock.advance(days=1)
    assert poll(sut, job, etag).status == 304


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_job_has_no_retry_after(sut, status):
    response = sut.get(sut.put(status=status, next=None).id)
    assert "retry-after" not in response.headers
    assert (response.json["data"]["estimatedSecondsLeft"], response.json["data"]["queuePosition"]) == (None, None)


def test_a_queued_job_has_a_queue_position(sut):
    ahead = sut.put(id="a" * 24)
    job = sut.put(next=replace(ahead.next, due_at=ahead.next.due_at + timedelta(seconds=1)))
    data = sut.get(job.id).json["data"]
    assert (data["queuePosition"], data["estimatedSecondsLeft"]) == (2, None)


def test_a_processing_job_has_a_remaining_time_based_on_usual_durations(sut):
    job = sut.put(status=JobStatus.PROCESSING, started_at=NOW)
    sut.timings.record(timing_kind(job), 40)
    sut.clock.advance(seconds=8)
    response = sut.get(job.id)
    assert response.json["data"]["estimatedSecondsLeft"] == 35
    assert response.headers["retry-after"] == "8"


def test_the_remaining_time_changes_in_steps_so_that_most_polls_return_304(sut):
    job = sut.put(status=JobStatus.PROCESSING, started_at=NOW)
    sut.timings.record(timing_kind(job), 60)
    tags = []
    for _ in range(30):
        tags.append(poll(sut, job).headers["etag"])
        sut.clock.advance(seconds=1)
    assert len(set(tags)) <= 7


def test_a_job_of_another_user_is_forbidden_with_any_etag(sut):
    response = poll(sut, sut.put(user_id="0" * 24), "*")
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert "etag" not in response.headers


def test_an_expired_job_is_not_found(sut):
    job = sut.put(**COMPLETED, expires_at=NOW + timedelta(seconds=1))
    etag = poll(sut, job).headers["etag"]
    sut.clock.advance(seconds=1)
    assert poll(sut, job, etag).status == 404


def test_an_unknown_parameter_is_ignored(sut):
    assert sut.get(sut.put().id, query={"_": "1767866400"}).status == 200
