"""DELETE /api/users/me/videos: all that a user has is gone, and nothing of anybody else's."""

import pytest

from tests.builders import a_job
from tests.functions.world import ANOTHER_USER, NOW, USER, a_batch
from videojobs.domain.job import JobStatus


def erase(world, **overrides):
    return world.call("DELETE", "/api/users/me/videos", **overrides)


def fill(world, count, user_id=USER):
    for number in range(count):
        ended = {} if number % 2 else {"status": JobStatus.COMPLETED, "next": None}
        job = world.jobs.put(a_job(user_id=user_id, created_at=NOW, **ended))
        world.store.objects |= dict.fromkeys(job.object_keys, b"x")


def test_everything_is_gone_jobs_files_and_batches(world):
    fill(world, 250)
    a_batch(world, USER, JobStatus.PROCESSING, JobStatus.FAILED)
    answer = erase(world)
    assert (answer.status, answer.text) == (204, "")
    assert world.list().json["data"]["items"] == []
    assert (world.batches.all(), world.store.objects) == ([], {})
    assert not any(job.is_shown(NOW) for job in world.jobs.all())
    assert list(world.erasures.find_all(10)) == []


def test_nothing_of_anybody_elses_is(world):
    fill(world, 3)
    fill(world, 4, ANOTHER_USER)
    a_batch(world, ANOTHER_USER, JobStatus.COMPLETED)
    before = dict(world.store.objects)
    assert erase(world).status == 204
    assert {job.user_id for job in world.jobs.all()} == {ANOTHER_USER}
    assert (len(world.jobs.all()), len(world.batches.all())) == (5, 1)
    assert 0 < len(world.store.objects) < len(before)


def test_who_has_nothing_is_answered_alike(world):
    assert [erase(world).status for _ in range(2)] == [204, 204]


def test_what_takes_longer_than_an_answer_may_goes_on(world):
    fill(world, 250)
    remove = world.store.remove

    def remove_slowly(keys):
        world.clock.advance(seconds=0.2)
        remove(keys)

    world.store.remove = remove_slowly
    answer = erase(world)
    assert answer.status == 202
    assert answer.json == {"success": True, "data": {"status": "erasing"}}
    assert list(world.erasures.find_all(10)) == [(USER, NOW)]
    assert 20 <= (world.clock.now() - NOW).total_seconds() < 29


def test_a_repeat_goes_on_where_the_first_stopped(world):
    fill(world, 250)
    world.store.available = False
    assert erase(world).status == 503
    assert list(world.erasures.find_all(10)) == [(USER, NOW)]
    world.store.available = True
    assert erase(world).status == 204
    assert list(world.erasures.find_all(10)) == []


def test_a_job_made_afterwards_stays(world):
    fill(world, 1)
    assert erase(world).status == 204
    world.clock.advance(seconds=1)
    world.post({"prompt": "x", "style": "fun", "duration": 1, "aspectRatio": "1:1"})
    assert len(world.list().json["data"]["items"]) == 1


def test_mongodb_out_of_reach_is_503_with_retry_after(world):
    world.shut_down()
    answer = erase(world)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


@pytest.mark.parametrize("body", ['{"userId": "507f191e810c19729de860eb"}', "[]"])
def test_a_body_is_refused_and_nothing_done(world, body):
    fill(world, 1)
    assert erase(world, body=body).status == 400
    assert len(world.jobs.all()) == 1


def test_another_sites_page_can_erase_nothing(world):
    fill(world, 1)
    assert erase(world, headers={"Origin": "https://evil.example"}).status == 403
    assert len(world.jobs.all()) == 1


@pytest.mark.parametrize("user", [USER, ANOTHER_USER, "me2", ""])
def test_another_path_is_not_found(world, user):
    answer = erase(world, path=f"/api/users/{user}/videos")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
