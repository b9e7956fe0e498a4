"""Rate limits: which calls count against which limit, and the headers of the responses."""

import re

import pytest

from tests.functions.system_under_test import ANOTHER_USER, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
GENERATE = {"/api/videos/generate", "/api/videos/batch", "/api/videos/{jobId}/retry"}
EVERY_ROUTE = pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])


def call(sut, method, route, **overrides):
    """Make a valid call of the route on a new batch; the response can be an error."""
    batch = a_batch(sut, USER, JobStatus.COMPLETED)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    bodies = {"/api/videos/generate": REQUEST, "/api/videos/batch": {"items": [REQUEST, REQUEST]}}
    return sut.call(method, path, bodies.get(route), **overrides)


def read_limit(response):
    """Return the name of the limit and the number of remaining calls."""
    name, remaining, _ = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', response.headers["ratelimit"]).groups()
    return name, int(remaining)


@EVERY_ROUTE
def test_every_call_counts_once_and_reports_the_remaining_calls(sut, method, route):
    sut.settings.generate_calls_per_minute, sut.settings.read_calls_per_minute = 30, 600
    name, calls = ("generate", 30) if route in GENERATE else ("read", 600)
    first, second = call(sut, method, route), call(sut, method, route)
    assert (read_limit(first), read_limit(second)) == ((name, calls - 1), (name, calls - 2))
    assert first.headers["ratelimit"] == f'"{name}";r={calls - 1};t=60'
    assert first.headers["ratelimit-policy"] == f'"{name}";q={calls};w=60'


@EVERY_ROUTE
def test_a_call_over_the_limit_is_refused_until_the_window_has_passed(sut, method, route):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 2
    name = "generate" if route in GENERATE else "read"
    call(sut, method, route)
    sut.clock.advance(seconds=15.5)
    call(sut, method, route)
    response = call(sut, method, route)
    assert (response.status, response.code) == (429, "RATE_LIMITED")
    assert response.headers["retry-after"] == "45"
    assert response.headers["ratelimit"] == f'"{name}";r=0;t=45'
    assert response.headers["ratelimit-policy"] == f'"{name}";q=2;w=60'
    sut.clock.advance(seconds=45)
    assert call(sut, method, route).status != 429


def test_a_refused_call_has_no_effect_and_is_not_counted(sut):
    sut.settings.generate_calls_per_minute = 1
    assert [sut.post(REQUEST).status for _ in range(4)] == [201, 429, 429, 429]
    assert (len(sut.jobs.all()), len(sut.queue.sent)) == (1, 1)
    sut.clock.advance(seconds=60)
    assert sut.post(REQUEST).status == 201


def test_the_two_limits_are_independent(sut):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 1
    job_id = sut.post(REQUEST).json["data"]["jobId"]
    assert [sut.get(job_id).status, sut.post(REQUEST).status, sut.get(job_id).status] == [200, 429, 429]


def test_generate_batch_and_retry_share_one_limit(sut):
    sut.settings.generate_calls_per_minute = 3
    job = sut.put(status=JobStatus.FAILED, next=None)
    responses = [
        sut.post(REQUEST),
        sut.post_batch({"items": [REQUEST] * 10}),
        sut.call("POST", f"/api/videos/{job.id}/retry"),
        sut.post(REQUEST),
    ]
    assert [response.status for response in responses] == [201, 201, 200, 429]


def test_the_limits_of_users_are_independent(sut):
    sut.settings.read_calls_per_minute = 1
    assert [sut.list().status, sut.list().status] == [200, 429]
    assert sut.list(sut.sign_in(ANOTHER_USER)).status == 200


@pytest.mark.parametrize(
    "invalid",
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
    ids=lambda invalid: str(invalid)[:60],
)
def test_an_invalid_request_is_not_counted(sut, invalid):
    response = sut.call("POST", "/api/videos/generate", **{"body": REQUEST} | invalid)
    assert response.status >= 400
    assert not {"ratelimit", "ratelimit-policy"} & set(response.headers)
    assert read_limit(sut.post(REQUEST)) == ("generate", 999)


def test_a_priority_that_is_not_permitted_is_not_counted(sut):
    assert sut.post(REQUEST | {"priority": "high"}).status == 403
    assert read_limit(sut.post(REQUEST)) == ("generate", 999)


def test_an_invalid_query_is_not_counted(sut):
    assert sut.list(limit="0").status == 400
    assert read_limit(sut.list()) == ("read", 999)


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda sut: sut.get("nothing"), 404),
        (lambda sut: sut.get(sut.put(user_id=ANOTHER_USER).id), 403),
        (lambda sut: sut.call("POST", f"/api/videos/{sut.put(status=JobStatus.FAILED).id}/cancel"), 409),
    ],
)
def test_a_valid_request_that_fails_is_counted(sut, call, status):
    response = call(sut)
    assert (response.status, read_limit(response)) == (status, ("read", 999))


def test_an_internal_error_after_the_count_reports_the_remaining_calls(sut):
    sut.jobs.new_id = lambda: 1 / 0
    response = sut.post(REQUEST)
    assert (response.status, read_limit(response)) == (500, ("generate", 999))


def test_the_remaining_calls_are_not_carried_over_to_the_next_response(sut):
    assert "ratelimit" in sut.post(REQUEST).headers
    assert "ratelimit" not in sut.post("{").headers


def test_a_replayed_request_is_counted(sut):
    key = {"Idempotency-Key": "first"}
    assert [read_limit(sut.post(REQUEST, headers=key)) for _ in range(2)] == [("generate", 999), ("generate", 998)]


def test_a_304_response_is_counted(sut):
    job = sut.put()
    response = sut.get(job.id, headers={"If-None-Match": "*"})
    assert (response.status, read_limit(response)) == (304, ("read", 999))


@EVERY_ROUTE
def test_an_unavailable_rate_limiter_returns_503_and_counts_nothing(sut, method, route):
    sut.rates.available = False
    before = sut.jobs.all()
    response = call(sut, method, route)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert "ratelimit" not in response.headers
    assert len(sut.jobs.all()) == len(before) + 1  # the job that this call itself has stored
    sut.rates.available = True
    assert read_limit(call(sut, method, route))[1] == 999
