"""Polling GET /api/videos/{jobId}: what has changed is told, what has not costs next to nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.store import SIGNING_WINDOW_SECONDS
from tests.functions.system_under_test import NOW
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus
from videojobs.domain.storage import StoredObject

COMPLETED = {
    "status": JobStatus.COMPLETED,
    "video_url": "s3://videos/a.mp4",
    "poster": StoredObject("videos", "a.jpg", 5),
    "next": None,
}


def poll(sut, job, etag=None):
    return sut.get(job.id, headers={"If-None-Match": etag})


def test_an_answer_has_a_tag_and_may_be_kept_by_the_browser_alone(sut):
    headers = sut.get(sut.put().id).headers
    assert headers["etag"].startswith('W/"')
    assert headers["cache-control"] == "private, no-cache"


def test_what_has_not_changed_is_304_without_a_body(sut):
    job = sut.put(**COMPLETED)
    etag = poll(sut, job).headers["etag"]
    answer = poll(sut, job, etag)
    assert (answer.status, answer.text, answer.headers["etag"]) == (304, "", etag)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "content-type" not in answer.headers


def test_a_304_for_a_live_job_says_as_well_when_to_ask_again(sut):
    job = sut.put()
    first = poll(sut, job)
    again = poll(sut, job, first.headers["etag"])
    assert again.status == 304
    assert again.headers["retry-after"] == first.headers["retry-after"]


@pytest.mark.parametrize("lines", ['"x", {}', "{},{}", "*", ' "x" , {} '])
def test_a_list_of_tags_or_any_will_do(sut, lines):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    assert poll(sut, job, lines.format(etag, etag)).status == 304


@pytest.mark.parametrize("lines", ['"x"', "", "nonsense", 'W/"', "\ud800"])
def test_another_tag_gets_the_whole_answer(sut, lines):
    answer = poll(sut, sut.put(), lines)
    assert answer.status == 200
    assert answer.json["data"]["status"] == "queued"


@pytest.mark.parametrize(
    "change",
    [
        {"status": JobStatus.PROCESSING, "started_at": NOW},
        {"progress": 0.5},
        {"updated_at": NOW + timedelta(milliseconds=1)},
        {"error_message": "No."},
        {"version": 7},
        {"video_url": "s3://videos/b.mp4"},
        {"poster": StoredObject("videos", "b.jpg", 5), "status": JobStatus.COMPLETED},
    ],
)
def test_whatever_a_user_can_see_to_change_changes_the_tag(sut, change):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    sut.jobs.put(replace(job, **change))
    answer = poll(sut, job, etag)
    assert answer.status == 200
    assert answer.headers["etag"] != etag


@pytest.mark.parametrize("change", [{"attempt": 2}, {"lease": None, "history": ()}, {"outbox": ()}])
def test_what_nobody_sees_does_not(sut, change):
    job = sut.put()
    etag = poll(sut, job).headers["etag"]
    sut.jobs.put(replace(job, **change))
    assert poll(sut, job, etag).status == 304


def test_a_304_never_leaves_a_client_with_a_dead_link(sut):
    job = sut.put(**COMPLETED)
    first = poll(sut, job)
    while (answer := poll(sut, job, first.headers["etag"])).status == 304:
        assert sut.store.presigned_url(job.video_url, sut.clock.now()) == first.json["data"]["videoUrl"]
        sut.clock.advance(seconds=30)
    assert answer.json["data"]["videoUrl"] != first.json["data"]["videoUrl"]
    assert (sut.clock.now() - NOW).total_seconds() <= SIGNING_WINDOW_SECONDS + 30


def test_a_link_that_is_signed_otherwise_elsewhere_has_the_same_tag(sut):
    job = sut.put(**COMPLETED)
    first = poll(sut, job)
    sign = sut.store.presigned_url
    sut.store.presigned_url = lambda *args: f"{sign(*args)}&credentials=of-another-instance"
    second = poll(sut, job)
    assert first.json["data"]["videoUrl"] != second.json["data"]["videoUrl"]
    assert first.headers["etag"] == second.headers["etag"]


def test_a_job_without_links_has_the_same_tag_in_every_window(sut):
    job = sut.put(status=JobStatus.FAILED, next=None)
    etag = poll(sut, job).headers["etag"]
    sut.clock.advance(days=1)
    assert poll(sut, job, etag).status == 304


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_job_need_not_be_asked_for_again(sut, status):
    answer = sut.get(sut.put(status=status, next=None).id)
    assert "retry-after" not in answer.headers
    assert (answer.json["data"]["estimatedSecondsLeft"], answer.json["data"]["queuePosition"]) == (None, None)


def test_a_queued_job_is_told_its_place(sut):
    ahead = sut.put(id="a" * 24)
    job = sut.put(next=replace(ahead.next, due_at=ahead.next.due_at + timedelta(seconds=1)))
    shown = sut.get(job.id).json["data"]
    assert (shown["queuePosition"], shown["estimatedSecondsLeft"]) == (2, None)


def test_a_processing_job_is_told_what_is_left_of_what_such_jobs_usually_take(sut):
    job = sut.put(status=JobStatus.PROCESSING, started_at=NOW)
    sut.timings.record(timing_kind(job), 40)
    sut.clock.advance(seconds=8)
    answer = sut.get(job.id)
    assert answer.json["data"]["estimatedSecondsLeft"] == 35
    assert answer.headers["retry-after"] == "8"


def test_time_that_goes_by_is_seen_in_steps_so_that_most_polls_find_nothing_new(sut):
    job = sut.put(status=JobStatus.PROCESSING, started_at=NOW)
    sut.timings.record(timing_kind(job), 60)
    tags = []
    for _ in range(30):
        tags.append(poll(sut, job).headers["etag"])
        sut.clock.advance(seconds=1)
    assert len(set(tags)) <= 7


def test_another_users_job_is_forbidden_whatever_tag_is_sent(sut):
    answer = poll(sut, sut.put(user_id="0" * 24), "*")
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert "etag" not in answer.headers


def test_an_expired_job_is_not_found_though_the_sweep_has_not_come_by(sut):
    job = sut.put(**COMPLETED, expires_at=NOW + timedelta(seconds=1))
    etag = poll(sut, job).headers["etag"]
    sut.clock.advance(seconds=1)
    assert poll(sut, job, etag).status == 404


def test_an_unknown_parameter_is_passed_over(sut):
    assert sut.get(sut.put().id, query={"_": "1767866400"}).status == 200
