"""Rate limits: which calls count against which limit, when, and what their answers tell."""

import re

import pytest

from tests.functions.system_under_test import ANOTHER_USER, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
GENERATE = {"/api/videos/generate", "/api/videos/batch", "/api/videos/{jobId}/retry"}
EVERY_ROUTE = pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])


def call(sut, method, route, **overrides):
    """A call of a route that is known to be valid; what becomes of it is another matter."""
    batch = a_batch(sut, USER, JobStatus.COMPLETED)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    bodies = {"/api/videos/generate": REQUEST, "/api/videos/batch": {"items": [REQUEST, REQUEST]}}
    return sut.call(method, path, bodies.get(route), **overrides)


def left(answer):
    """The limit's name, and how many calls are left of it."""
    name, remaining, _ = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer.headers["ratelimit"]).groups()
    return name, int(remaining)


@EVERY_ROUTE
def test_every_call_counts_once_and_tells_what_is_left(sut, method, route):
    sut.settings.generate_calls_per_minute, sut.settings.read_calls_per_minute = 30, 600
    name, calls = ("generate", 30) if route in GENERATE else ("read", 600)
    first, second = call(sut, method, route), call(sut, method, route)
    assert (left(first), left(second)) == ((name, calls - 1), (name, calls - 2))
    assert first.headers["ratelimit"] == f'"{name}";r={calls - 1};t=60'
    assert first.headers["ratelimit-policy"] == f'"{name}";q={calls};w=60'


@EVERY_ROUTE
def test_one_too_many_is_refused_until_there_is_room_again(sut, method, route):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 2
    name = "generate" if route in GENERATE else "read"
    call(sut, method, route)
    sut.clock.advance(seconds=15.5)
    call(sut, method, route)
    answer = call(sut, method, route)
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "45"
    assert answer.headers["ratelimit"] == f'"{name}";r=0;t=45'
    assert answer.headers["ratelimit-policy"] == f'"{name}";q=2;w=60'
    sut.clock.advance(seconds=45)
    assert call(sut, method, route).status != 429


def test_what_is_refused_makes_nothing_and_is_not_counted(sut):
    sut.settings.generate_calls_per_minute = 1
    assert [sut.post(REQUEST).status for _ in range(4)] == [201, 429, 429, 429]
    assert (len(sut.jobs.all()), len(sut.queue.sent)) == (1, 1)
    sut.clock.advance(seconds=60)
    assert sut.post(REQUEST).status == 201


def test_the_two_limits_do_not_touch_each_other(sut):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 1
    job_id = sut.post(REQUEST).json["data"]["jobId"]
    assert [sut.get(job_id).status, sut.post(REQUEST).status, sut.get(job_id).status] == [200, 429, 429]


def test_generate_batch_and_retry_share_one_limit(sut):
    sut.settings.generate_calls_per_minute = 3
    job = sut.put(status=JobStatus.FAILED, next=None)
    answers = [
        sut.post(REQUEST),
        sut.post_batch({"items": [REQUEST] * 10}),
        sut.call("POST", f"/api/videos/{job.id}/retry"),
        sut.post(REQUEST),
    ]
    assert [answer.status for answer in answers] == [201, 201, 200, 429]


def test_users_do_not_touch_each_other(sut):
    sut.settings.read_calls_per_minute = 1
    assert [sut.list().status, sut.list().status] == [200, 429]
    assert sut.list(sut.sign_in(ANOTHER_USER)).status == 200


@pytest.mark.parametrize(
    "refused",
    [
        {"headers": {"Cookie": None}},
        {"headers": {"Cookie": "token=x"}},
        {"headers": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"headers": {"Idempotency-Key": ""}},
        {"body": "{"},
        {"body": "{}"},
        {"body": " " * 70_000},
        {"httpMethod": "PUT"},
    ],
    ids=lambda refused: str(refused)[:60],
)
def test_a_request_that_is_not_valid_is_not_counted(sut, refused):
    answer = sut.call("POST", "/api/videos/generate", **{"body": REQUEST} | refused)
    assert answer.status >= 400
    assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)
    assert left(sut.post(REQUEST)) == ("generate", 999)


def test_a_priority_that_is_not_allowed_is_not_counted(sut):
    assert sut.post(REQUEST | {"priority": "high"}).status == 403
    assert left(sut.post(REQUEST)) == ("generate", 999)


def test_a_query_that_is_not_valid_is_not_counted(sut):
    assert sut.list(limit="0").status == 400
    assert left(sut.list()) == ("read", 999)


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda sut: sut.get("nothing"), 404),
        (lambda sut: sut.get(sut.put(user_id=ANOTHER_USER).id), 403),
        (lambda sut: sut.call("POST", f"/api/videos/{sut.put(status=JobStatus.FAILED).id}/cancel"), 409),
    ],
)
def test_a_valid_request_that_comes_to_nothing_is_counted(sut, call, status):
    answer = call(sut)
    assert (answer.status, left(answer)) == (status, ("read", 999))


def test_a_bug_after_the_count_tells_what_is_left_all_the_same(sut):
    sut.jobs.new_id = lambda: 1 / 0
    answer = sut.post(REQUEST)
    assert (answer.status, left(answer)) == (500, ("generate", 999))


def test_what_one_call_was_told_is_not_told_to_the_next(sut):
    assert "ratelimit" in sut.post(REQUEST).headers
    assert "ratelimit" not in sut.post("{").headers


def test_a_replay_counts_like_any_call(sut):
    key = {"Idempotency-Key": "first"}
    assert [left(sut.post(REQUEST, headers=key)) for _ in range(2)] == [("generate", 999), ("generate", 998)]


def test_a_poll_that_finds_nothing_new_counts_as_well(sut):
    job = sut.put()
    answer = sut.get(job.id, headers={"If-None-Match": "*"})
    assert (answer.status, left(answer)) == (304, ("read", 999))


@EVERY_ROUTE
def test_without_the_database_nothing_is_let_through_and_nothing_counted(sut, method, route):
    sut.rates.available = False
    before = sut.jobs.all()
    answer = call(sut, method, route)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert "ratelimit" not in answer.headers
    assert len(sut.jobs.all()) == len(before) + 1  # the one that this test has put there
    sut.rates.available = True
    assert left(call(sut, method, route))[1] == 999
