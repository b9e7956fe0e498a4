"""DELETE /api/users/me/videos: all that a user has is gone, and nothing of anybody else's."""

import pytest

from tests.builders import a_job
from tests.functions.system_under_test import ANOTHER_USER, NOW, USER, a_batch
from videojobs.domain.job import JobStatus


def erase(sut, **overrides):
    return sut.call("DELETE", "/api/users/me/videos", **overrides)


def fill(sut, count, user_id=USER):
    for number in range(count):
        ended = {} if number % 2 else {"status": JobStatus.COMPLETED, "next": None}
        job = sut.jobs.put(a_job(user_id=user_id, created_at=NOW, **ended))
        sut.store.objects |= dict.fromkeys(job.object_keys, b"x")


def test_everything_is_gone_jobs_files_and_batches(sut):
    fill(sut, 250)
    a_batch(sut, USER, JobStatus.PROCESSING, JobStatus.FAILED)
    answer = erase(sut)
    assert (answer.status, answer.text) == (204, "")
    assert sut.list().json["data"]["items"] == []
    assert (sut.batches.all(), sut.store.objects) == ([], {})
    assert not any(job.is_shown(NOW) for job in sut.jobs.all())
    assert list(sut.erasures.find_all(10)) == []


def test_nothing_of_anybody_elses_is(sut):
    fill(sut, 3)
    fill(sut, 4, ANOTHER_USER)
    a_batch(sut, ANOTHER_USER, JobStatus.COMPLETED)
    before = dict(sut.store.objects)
    assert erase(sut).status == 204
    assert {job.user_id for job in sut.jobs.all()} == {ANOTHER_USER}
    assert (len(sut.jobs.all()), len(sut.batches.all())) == (5, 1)
    assert 0 < len(sut.store.objects) < len(before)


def test_who_has_nothing_is_answered_alike(sut):
    assert [erase(sut).status for _ in range(2)] == [204, 204]


def test_what_takes_longer_than_an_answer_may_goes_on(sut):
    fill(sut, 250)
    remove = sut.store.remove

    def remove_slowly(keys):
        sut.clock.advance(seconds=0.2)
        remove(keys)

    sut.store.remove = remove_slowly
    answer = erase(sut)
    assert answer.status == 202
    assert answer.json == {"success": True, "data": {"status": "erasing"}}
    assert list(sut.erasures.find_all(10)) == [(USER, NOW)]
    assert 20 <= (sut.clock.now() - NOW).total_seconds() < 29


def test_a_repeat_goes_on_where_the_first_stopped(sut):
    fill(sut, 250)
    sut.store.available = False
    assert erase(sut).status == 503
    assert list(sut.erasures.find_all(10)) == [(USER, NOW)]
    sut.store.available = True
    assert erase(sut).status == 204
    assert list(sut.erasures.find_all(10)) == []


def test_a_job_made_afterwards_stays(sut):
    fill(sut, 1)
    assert erase(sut).status == 204
    sut.clock.advance(seconds=1)
    sut.post({"prompt": "x", "style": "fun", "duration": 1, "aspectRatio": "1:1"})
    assert len(sut.list().json["data"]["items"]) == 1


def test_mongodb_out_of_reach_is_503_with_retry_after(sut):
    sut.shut_down()
    answer = erase(sut)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


@pytest.mark.parametrize("body", ['{"userId": "507f191e810c19729de860eb"}', "[]"])
def test_a_body_is_refused_and_nothing_done(sut, body):
    fill(sut, 1)
    assert erase(sut, body=body).status == 400
    assert len(sut.jobs.all()) == 1


def test_another_sites_page_can_erase_nothing(sut):
    fill(sut, 1)
    assert erase(sut, headers={"Origin": "https://evil.example"}).status == 403
    assert len(sut.jobs.all()) == 1


@pytest.mark.parametrize("user", [USER, ANOTHER_USER, "me2", ""])
def test_another_path_is_not_found(sut, user):
    answer = erase(sut, path=f"/api/users/{user}/videos")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
