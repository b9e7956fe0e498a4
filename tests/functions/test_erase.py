"""DELETE /api/users/me/videos: everything of the user is removed, and nothing of other users."""

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


def test_jobs_files_and_batches_are_removed(sut):
    fill(sut, 250)
    a_batch(sut, USER, JobStatus.PROCESSING, JobStatus.FAILED)
    response = erase(sut)
    assert (response.status, response.text) == (204, "")
    assert sut.list().json["data"]["items"] == []
    assert (sut.batches.all(), sut.store.objects) == ([], {})
    assert not any(job.is_shown(NOW) for job in sut.jobs.all())
    assert list(sut.erasures.find_all(10)) == []


def test_nothing_of_other_users_is_removed(sut):
    fill(sut, 3)
    fill(sut, 4, ANOTHER_USER)
    a_batch(sut, ANOTHER_USER, JobStatus.COMPLETED)
    before = dict(sut.store.objects)
    assert erase(sut).status == 204
    assert {job.user_id for job in sut.jobs.all()} == {ANOTHER_USER}
    assert (len(sut.jobs.all()), len(sut.batches.all())) == (5, 1)
    assert 0 < len(sut.store.objects) < len(before)


def test_erasing_without_jobs_returns_the_same_response(sut):
    assert [erase(sut).status for _ in range(2)] == [204, 204]


def test_an_erasure_that_takes_too_long_returns_202_and_is_continued(sut):
    fill(sut, 250)
    remove = sut.store.remove

    def remove_slowly(keys):
        sut.clock.advance(seconds=0.2)
        remove(keys)

    sut.store.remove = remove_slowly
    response = erase(sut)
    assert response.status == 202
    assert response.json == {"success": True, "data": {"status": "erasing"}}
    assert list(sut.erasures.find_all(10)) == [(USER, NOW)]
    assert 20 <= (sut.clock.now() - NOW).total_seconds() < 29


def test_a_repeated_request_continues_an_interrupted_erasure(sut):
    fill(sut, 250)
    sut.store.available = False
    assert erase(sut).status == 503
    assert list(sut.erasures.find_all(10)) == [(USER, NOW)]
    sut.store.available = True
    assert erase(sut).status == 204
    assert list(sut.erasures.find_all(10)) == []


def test_a_job_created_afterwards_is_kept(sut):
    fill(sut, 1)
    assert erase(sut).status == 204
    sut.clock.advance(seconds=1)
    sut.post({"prompt": "x", "style": "fun", "duration": 1, "aspectRatio": "1:1"})
    assert len(sut.list().json["data"]["items"]) == 1


def test_an_unavailable_database_returns_503_with_retry_after(sut):
    sut.shut_down()
    response = erase(sut)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


@pytest.mark.parametrize("body", ['{"userId": "507f191e810c19729de860eb"}', "[]"])
def test_a_body_is_refused_without_an_effect(sut, body):
    fill(sut, 1)
    assert erase(sut, body=body).status == 400
    assert len(sut.jobs.all()) == 1


def test_a_cross_site_request_is_forbidden(sut):
    fill(sut, 1)
    assert erase(sut, headers={"Origin": "https://evil.example"}).status == 403
    assert len(sut.jobs.all()) == 1


@pytest.mark.parametrize("user", [USER, ANOTHER_USER, "me2", ""])
def test_another_path_is_not_found(sut, user):
    response = erase(sut, path=f"/api/users/{user}/videos")
    assert (response.status, response.code) == (404, "NOT_FOUND")
