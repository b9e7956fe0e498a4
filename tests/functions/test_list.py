"""GET /api/videos: the caller's jobs, the newest first, page by page."""

from datetime import timedelta

import pytest

from tests.builders import a_job
from tests.functions.system_under_test import ANOTHER_USER, NOW, USER
from videojobs.domain.job import JobStatus
from videojobs.domain.storage import StoredObject


def fill(sut, count, **fields):
    """So many jobs, each a second younger than the one before; the newest first."""
    jobs = [
        sut.jobs.put(a_job(user_id=USER, created_at=NOW + timedelta(seconds=number), **fields))
        for number in range(count)
    ]
    return [job.id for job in reversed(jobs)]


def ids(answer):
    return [job["jobId"] for job in answer.json["data"]["items"]]


def follow(sut, answer):
    """The page that `Link` leads to."""
    target = answer.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    path, _, query = target.partition("?")
    assert path == "/api/videos"
    return sut.list(**dict(pair.split("=") for pair in query.split("&")))


def test_a_user_without_jobs_has_an_empty_page(sut):
    answer = sut.list()
    assert answer.status == 200
    assert answer.json == {"success": True, "data": {"items": [], "nextCursor": None}}
    assert "link" not in answer.headers


def test_twenty_come_at_once_the_newest_first(sut):
    newest = fill(sut, 25)
    assert ids(sut.list()) == newest[:20]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 24, 25, 26, 100])
def test_all_pages_together_are_all_jobs_once(sut, limit):
    newest = fill(sut, 25)
    answer = sut.list(limit=str(limit))
    found = ids(answer)
    while answer.json["data"]["nextCursor"]:
        answer = follow(sut, answer)
        found += ids(answer)
    assert found == newest
    assert "link" not in answer.headers


def test_the_cursor_in_the_body_leads_where_the_link_leads(sut):
    fill(sut, 5)
    first = sut.list(limit="2")
    cursor = first.json["data"]["nextCursor"]
    assert ids(sut.list(limit="2", cursor=cursor)) == ids(follow(sut, first))


def test_jobs_that_are_added_meanwhile_move_none_from_one_page_to_another(sut):
    newest = fill(sut, 10)
    answer = sut.list(limit="5")
    sut.jobs.put(a_job(user_id=USER, created_at=NOW + timedelta(hours=1)))
    assert ids(follow(sut, answer)) == newest[5:]


def test_a_page_goes_on_though_its_last_job_was_deleted_meanwhile(sut):
    newest = fill(sut, 10, status=JobStatus.FAILED, next=None)
    answer = sut.list(limit="5")
    assert sut.call("DELETE", f"/api/videos/{newest[4]}").status == 204
    assert ids(follow(sut, answer)) == newest[5:]


def test_jobs_of_the_same_moment_are_told_apart_by_their_ids(sut):
    jobs = [sut.jobs.put(a_job(user_id=USER, created_at=NOW)) for _ in range(5)]
    first = sut.list(limit="2")
    second = follow(sut, first)
    third = follow(sut, second)
    assert ids(first) + ids(second) + ids(third) == sorted((job.id for job in jobs), reverse=True)


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_status_chooses(sut, status):
    wanted = fill(sut, 3, status=status)
    fill(sut, 3, status=next(other for other in JobStatus if other is not status))
    answer = sut.list(status=status.value, limit="2")
    assert ids(answer) + ids(follow(sut, answer)) == wanted


def test_a_job_is_listed_as_it_is_shown_but_for_its_prospects(sut):
    poster = StoredObject("videos", "a.jpg", 5)
    sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/a.mp4", poster=poster, next=None)
    (listed,) = sut.list().json["data"]["items"]
    assert listed == sut.get(listed["jobId"]).json["data"]
    assert listed["videoUrl"].startswith("https://presigned.test/")


def test_a_queued_job_has_no_place_in_a_list(sut):
    sut.put()
    (listed,) = sut.list().json["data"]["items"]
    assert (listed["queuePosition"], listed["estimatedSecondsLeft"]) == (None, None)


def test_expired_and_deleted_jobs_are_not_listed(sut):
    fill(sut, 1, expires_at=NOW)
    fill(sut, 1, deleted_at=NOW)
    assert ids(sut.list()) == []


def test_each_user_sees_their_own_alone(sut):
    mine = fill(sut, 3)
    sut.jobs.put(a_job(user_id=ANOTHER_USER, created_at=NOW))
    assert ids(sut.list()) == mine
    assert len(ids(sut.list(sut.sign_in(ANOTHER_USER)))) == 1


def test_another_users_cursor_shows_nothing_of_theirs(sut):
    fill(sut, 5)
    cursor = sut.list(limit="2").json["data"]["nextCursor"]
    assert ids(sut.list(sut.sign_in(ANOTHER_USER), cursor=cursor)) == []


def test_another_users_batch_is_empty(sut):
    posted = sut.post_batch({"items": [{"prompt": "x", "style": "fun", "duration": 1, "aspectRatio": "1:1"}]})
    batch_id = posted.json["data"]["batchId"]
    assert len(ids(sut.list(batchId=batch_id))) == 1
    assert ids(sut.list(sut.sign_in(ANOTHER_USER), batchId=batch_id)) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": ["5", "5"]}, "limit"),
        ({"status": "done"}, "status"),
        ({"cursor": "x"}, "cursor"),
        ({"batchId": "x"}, "batchId"),
        ({"userId": USER}, "userId"),
    ],
)
def test_a_parameter_that_breaks_its_rule_is_named(sut, query, field):
    answer = sut.list(**query)
    assert (answer.status, answer.code, list(answer.details)) == (400, "VALIDATION_ERROR", [field])


def test_who_is_not_signed_in_is_told_that_first(sut):
    answer = sut.list({"Cookie": None}, limit="0")
    assert (answer.status, answer.code) == (401, "TOKEN_MISSING")


def test_mongodb_out_of_reach_is_503_with_retry_after(sut):
    sut.shut_down()
    answer = sut.list()
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_is_not_found(sut, method):
    answer = sut.call("GET", "/api/videos", httpMethod=method)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
