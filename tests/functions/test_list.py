"""GET /api/videos: the jobs of the user, newest first, in pages."""

from datetime import timedelta
from urllib.parse import urljoin

import pytest

from tests.builders import a_job
from tests.functions.system_under_test import ANOTHER_USER, NOW, USER
from videojobs.domain.job import JobStatus
from videojobs.domain.storage import StoredObject


def fill(sut, count, **fields):
    """Store `count` jobs created one second apart; return their IDs, newest first."""
    jobs = [
        sut.jobs.put(a_job(user_id=USER, created_at=NOW + timedelta(seconds=number), **fields))
        for number in range(count)
    ]
    return [job.id for job in reversed(jobs)]


def ids(response):
    return [job["jobId"] for job in response.json["data"]["items"]]


def follow(sut, response):
    """Return the page that the `Link` header leads to."""
    target = response.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    path, _, query = urljoin("/api/videos?limit=1", target).partition("?")
    assert path == "/api/videos"
    return sut.list(**dict(pair.split("=") for pair in query.split("&")))


@pytest.mark.parametrize(
    "address",
    ["https://api.example.com", "https://abc.execute-api.eu-central-1.amazonaws.com/dev", "http://h/_aws/x/y"],
)
@pytest.mark.parametrize("path", ["/api/videos", "/api/videos/"])
def test_link_can_be_followed_at_every_address(sut, address, path):
    fill(sut, 2)
    response = sut.invoke_jobs(sut.event("GET", "/api/videos", query={"limit": "1"}, path=path))
    target = response.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    cursor = response.json["data"]["nextCursor"]
    assert urljoin(f"{address}{path}?limit=1", target) == f"{address}{path}?limit=1&cursor={cursor}"


def test_the_page_of_a_user_without_jobs_is_empty(sut):
    response = sut.list()
    assert response.status == 200
    assert response.json == {"success": True, "data": {"items": [], "nextCursor": None}}
    assert "link" not in response.headers


def test_the_newest_twenty_jobs_are_listed_by_default(sut):
    newest = fill(sut, 25)
    assert ids(sut.list()) == newest[:20]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 24, 25, 26, 100])
def test_the_pages_contain_every_job_once(sut, limit):
    newest = fill(sut, 25)
    response = sut.list(limit=str(limit))
    job_ids = ids(response)
    while response.json["data"]["nextCursor"]:
        response = follow(sut, response)
        job_ids += ids(response)
    assert job_ids == newest
    assert "link" not in response.headers


def test_the_cursor_in_the_body_leads_to_the_page_of_the_link(sut):
    fill(sut, 5)
    first = sut.list(limit="2")
    cursor = first.json["data"]["nextCursor"]
    assert ids(sut.list(limit="2", cursor=cursor)) == ids(follow(sut, first))


def test_new_jobs_do_not_move_jobs_to_another_page(sut):
    newest = fill(sut, 10)
    response = sut.list(limit="5")
    sut.jobs.put(a_job(user_id=USER, created_at=NOW + timedelta(hours=1)))
    assert ids(follow(sut, response)) == newest[5:]


def test_the_next_page_works_after_the_last_job_of_a_page_was_deleted(sut):
    newest = fill(sut, 10, status=JobStatus.FAILED, next=None)
    response = sut.list(limit="5")
    assert sut.call("DELETE", f"/api/videos/{newest[4]}").status == 204
    assert ids(follow(sut, response)) == newest[5:]


def test_jobs_created_at_the_same_time_are_ordered_by_id(sut):
    jobs = [sut.jobs.put(a_job(user_id=USER, created_at=NOW)) for _ in range(5)]
    first = sut.list(limit="2")
    second = follow(sut, first)
    third = follow(sut, second)
    assert ids(first) + ids(second) + ids(third) == sorted((job.id for job in jobs), reverse=True)


@pytest.mark.parametrize("status", list(JobStatus))
def test_the_list_can_be_filtered_by_status(sut, status):
    expected = fill(sut, 3, status=status)
    fill(sut, 3, status=next(other for other in JobStatus if other is not status))
    response = sut.list(status=status.value, limit="2")
    assert ids(response) + ids(follow(sut, response)) == expected


def test_a_listed_job_has_the_fields_of_a_single_job(sut):
    poster = StoredObject("videos", "videos/a.jpg", 5)
    sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", poster=poster, next=None)
    (listed,) = sut.list().json["data"]["items"]
    assert listed == sut.get(listed["jobId"]).json["data"]
    assert listed["videoUrl"].startswith("https://presigned.test/")


def test_a_listed_queued_job_has_no_queue_position(sut):
    sut.put()
    (listed,) = sut.list().json["data"]["items"]
    assert (listed["queuePosition"], listed["estimatedSecondsLeft"]) == (None, None)


def test_expired_and_deleted_jobs_are_not_listed(sut):
    fill(sut, 1, expires_at=NOW)
    fill(sut, 1, deleted_at=NOW)
    assert ids(sut.list()) == []


def test_each_user_sees_only_their_own_jobs(sut):
    mine = fill(sut, 3)
    sut.jobs.put(a_job(user_id=ANOTHER_USER, created_at=NOW))
    assert ids(sut.list()) == mine
    assert len(ids(sut.list(sut.sign_in(ANOTHER_USER)))) == 1


def test_a_cursor_of_another_user_shows_none_of_their_jobs(sut):
    fill(sut, 5)
    cursor = sut.list(limit="2").json["data"]["nextCursor"]
    assert ids(sut.list(sut.sign_in(ANOTHER_USER), cursor=cursor)) == []


def test_a_batch_of_another_user_is_empty(sut):
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
def test_an_invalid_parameter_is_reported(sut, query, field):
    response = sut.list(**query)
    assert (response.status, response.code, list(response.details)) == (400, "VALIDATION_ERROR", [field])


def test_a_missing_session_is_reported_before_an_invalid_parameter(sut):
    response = sut.list({"Cookie": None}, limit="0")
    assert (response.status, response.code) == (401, "TOKEN_MISSING")


def test_an_unavailable_database_returns_503_with_retry_after(sut):
    sut.shut_down()
    response = sut.list()
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_is_not_found(sut, method):
    response = sut.call("GET", "/api/videos", httpMethod=method)
    assert (response.status, response.code) == (404, "NOT_FOUND")
