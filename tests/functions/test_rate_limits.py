"""Rate limits: which calls count against which limit, and the headers of the responses.

Reads are counted exactly here, because the limit is below five. `unit/adapters/test_reads.py` covers higher limits.
"""

import json
import re
from pathlib import Path

import pytest

from tests.functions.system_under_test import ANOTHER_USER, NOW, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
LIMIT_HEADERS = {"ratelimit", "ratelimit-policy"}
GENERATE = {"/api/videos/generate", "/api/videos/batch", "/api/videos/{jobId}/retry"}
EVERY_ROUTE = pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])
GENERATE_ROUTES = pytest.mark.parametrize("route", sorted(GENERATE))
READ_ROUTES = pytest.mark.parametrize(
    ("method", "route"), [(method, route) for method, route, _ in ROUTES if route not in GENERATE]
)

OPTIONS = "/api/videos/options"
"""It has no parameters, so that no request is invalid."""


def call(sut, method, route, **overrides):
    """Make a valid call of the route on a new batch; the response can be an error."""
    batch = a_batch(sut, USER, JobStatus.COMPLETED)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    bodies = dict.fromkeys(("/api/videos/generate", "/api/videos/estimate"), REQUEST)
    bodies["/api/videos/batch"] = {"items": [REQUEST, REQUEST]}
    return sut.call(method, path, bodies.get(route), **overrides)


def read_limit(response):
    """Return the name of the limit and the number of remaining calls."""
    name, remaining, _ = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', response.headers["ratelimit"]).groups()
    return name, int(remaining)


@GENERATE_ROUTES
def test_a_call_that_queues_jobs_counts_once_and_reports_the_remaining_calls(sut, route):
    sut.settings.generate_calls_per_minute = 30
    first, second = call(sut, "POST", route), call(sut, "POST", route)
    assert (read_limit(first), read_limit(second)) == (("generate", 29), ("generate", 28))
    assert first.headers["ratelimit"] == '"generate";r=29;t=60'
    assert first.headers["ratelimit-policy"] == '"generate";q=30;w=60'


@READ_ROUTES
def test_any_other_call_counts_once_and_does_not_report_the_remaining_calls(sut, method, route):
    sut.settings.read_calls_per_minute = 2
    responses = [call(sut, method, route) for _ in range(3)]
    assert [response.status == 429 for response in responses] == [False, False, True]
    assert [LIMIT_HEADERS & set(response.headers) for response in responses] == [set()] * 3


@READ_ROUTES
def test_few_calls_do_not_use_the_shared_limit(sut, method, route):
    sut.settings.read_calls_per_minute = 600
    sut.rates.available = False
    assert {call(sut, method, route).status for _ in range(3)} <= {200, 201, 204, 302, 409}


@EVERY_ROUTE
def test_a_call_over_the_limit_is_refused_until_the_window_has_passed(sut, method, route):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 2
    call(sut, method, route)
    sut.clock.advance(seconds=15.5)
    call(sut, method, route)
    response = call(sut, method, route)
    assert (response.status, response.code) == (429, "RATE_LIMITED")
    assert response.headers["retry-after"] == "45"
    if route in GENERATE:
        assert response.headers["ratelimit"] == '"generate";r=0;t=45'
        assert response.headers["ratelimit-policy"] == '"generate";q=2;w=60'
    sut.clock.advance(seconds=45)
    assert call(sut, method, route).status != 429


def test_a_refused_call_has_no_effect_and_is_not_counted(sut):
    sut.settings.generate_calls_per_minute = 1
    assert [sut.post(REQUEST).status for _ in range(4)] == [201, 429, 429, 429]
    assert (len(sut.jobs.all()), len(sut.queue.sent)) == (1, 1)
    sut.clock.advance(seconds=60)
    assert sut.post(REQUEST).status == 201


def test_jobs_over_the_maximum_of_waiting_jobs_are_refused_before_anything_is_stored(sut):
    sut.slots.cap, sut.slots.maximum_waiting = 1, 1000
    for _ in range(20):
        assert sut.post_batch({"items": [REQUEST] * 50}).status == 201
    assert sut.post(REQUEST).status == 201
    stored, sent = len(sut.jobs.all()), len(sut.queue.sent)
    for response in (sut.post(REQUEST), sut.post_batch({"items": [REQUEST, REQUEST]})):
        assert (response.status, response.headers["retry-after"]) == (429, "60")
        assert response.json["error"] == {
            "code": "RATE_LIMITED",
            "message": "At most 1,000 of your videos with priority normal can wait at a time. "
            "Try again when some of them have started, or cancel some.",
            "details": [],
        }
        assert read_limit(response)[0] == "generate"
    assert (stored, len(sut.jobs.all()), len(sut.queue.sent)) == (1001, 1001, sent)


def test_a_retry_over_the_maximum_of_waiting_jobs_is_refused(sut):
    sut.slots.cap, sut.slots.maximum_waiting = 1, 1
    failed = sut.put(status=JobStatus.FAILED, next=None)
    assert [sut.post(REQUEST).status for _ in range(2)] == [201, 201]
    response = sut.call("POST", f"/api/videos/{failed.id}/retry")
    assert (response.status, response.code, response.headers["retry-after"]) == (429, "RATE_LIMITED", "60")
    assert sut.jobs.get(failed.id) == failed


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


USERS_ROUTES = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if operation.get("security") != []
]


def test_only_the_callbacks_of_providers_need_no_session():
    documented = {(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert documented - set(USERS_ROUTES) == {("POST", "/api/providers/{provider}/callback")}


@pytest.mark.parametrize(("method", "route"), USERS_ROUTES)
def test_an_invalid_request_is_counted_on_every_route(sut, method, route):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 2
    path = route.replace("{jobId}", "no-id").replace("{batchId}", "no-id")
    routed = "GET" if method == "HEAD" else method
    responses = [
        sut.call(routed, path, "{", httpMethod=method, query={"nonsense": "1"}, headers={"Content-Type": "text/plain"})
        for _ in range(3)
    ]
    assert [response.status in {400, 404, 415} for response in responses] == [route != OPTIONS, route != OPTIONS, False]
    assert responses[2].status == 429


@pytest.mark.parametrize(
    ("invalid", "status"),
    [
        ({"headers": {"Content-Type": "text/plain"}}, 415),
        ({"headers": {"Idempotency-Key": ""}}, 400),
        ({"body": "{"}, 400),
        ({"body": "{}"}, 400),
        ({"body": " " * 70_000}, 413),
        ({"body": REQUEST | {"priority": "high"}}, 403),
        ({"body": REQUEST | {"provider": "luma"}}, 400),
    ],
    ids=lambda invalid: str(invalid)[:60],
)
def test_an_invalid_request_is_counted_and_refused_over_the_limit(sut, invalid, status):
    sut.settings.generate_calls_per_minute = 2
    first, second, third = (sut.call("POST", "/api/videos/generate", **{"body": REQUEST} | invalid) for _ in range(3))
    assert [first.status, second.status, third.status] == [status, status, 429]
    assert [read_limit(first), read_limit(second), read_limit(third)] == [("generate", left) for left in (1, 0, 0)]
    assert third.headers["retry-after"] == "60"


def test_the_body_of_a_request_over_the_limit_is_not_parsed(sut):
    sut.settings.generate_calls_per_minute = 1
    assert [sut.post(REQUEST).status, sut.post("{").status, sut.post_batch("{").status] == [201, 429, 429]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        ({"headers": {"Cookie": None}}, 401),
        ({"headers": {"Cookie": "token=x"}}, 401),
        ({"headers": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}}, 403),
        ({"httpMethod": "PUT"}, 404),
    ],
    ids=str,
)
def test_a_request_without_a_user_is_not_counted(sut, refused, status):
    # A page of another site could otherwise use up the calls of the user who visits it.
    response = sut.call("POST", "/api/videos/generate", **{"body": REQUEST} | refused)
    assert response.status == status
    assert not LIMIT_HEADERS & set(response.headers)
    assert read_limit(sut.post(REQUEST)) == ("generate", 999)


def test_a_request_is_counted_while_submissions_are_paused(sut):
    sut.submissions.pause(NOW, reason="", retry_after_seconds=300)
    response = sut.post(REQUEST)
    assert (response.status, response.headers["retry-after"], read_limit(response)) == (503, "300", ("generate", 999))


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda sut: sut.get("nothing"), 404),
        (lambda sut: sut.get(sut.put(user_id=ANOTHER_USER).id), 403),
        (lambda sut: sut.call("POST", f"/api/videos/{sut.put(status=JobStatus.FAILED).id}/cancel"), 409),
    ],
)
def test_a_valid_request_that_fails_is_counted(sut, call, status):
    sut.settings.read_calls_per_minute = 1
    assert [call(sut).status for _ in range(2)] == [status, 429]


def test_an_internal_error_after_the_count_reports_the_remaining_calls(sut):
    sut.jobs.new_id = lambda: 1 / 0
    response = sut.post(REQUEST)
    assert (response.status, read_limit(response)) == (500, ("generate", 999))


def test_the_remaining_calls_are_not_carried_over_to_the_next_response(sut):
    assert "ratelimit" in sut.post(REQUEST).headers
    assert "ratelimit" not in sut.post(REQUEST, headers={"Cookie": None}).headers


def test_a_replayed_request_is_counted(sut):
    key = {"Idempotency-Key": "first"}
    assert [read_limit(sut.post(REQUEST, headers=key)) for _ in range(2)] == [("generate", 999), ("generate", 998)]


def test_a_replay_over_the_limit_succeeds_after_the_announced_pause(sut):
    sut.settings.generate_calls_per_minute = 1
    key = {"Idempotency-Key": "first"}
    accepted, refused = sut.post(REQUEST, headers=key), sut.post(REQUEST, headers=key)
    sut.clock.advance(seconds=int(refused.headers["retry-after"]))
    repeated = sut.post(REQUEST, headers=key)
    assert [accepted.status, refused.status, repeated.status] == [201, 429, 201]
    assert repeated.json == accepted.json
    assert repeated.headers["idempotent-replayed"] == "true"


def test_a_304_response_is_counted(sut):
    sut.settings.read_calls_per_minute = 1
    job = sut.put()
    assert [sut.get(job.id, headers={"If-None-Match": "*"}).status for _ in range(2)] == [304, 429]


@EVERY_ROUTE
def test_an_unavailable_rate_limiter_returns_503_and_counts_nothing(sut, method, route):
    sut.settings.generate_calls_per_minute = sut.settings.read_calls_per_minute = 1
    sut.rates.available = False
    before = sut.jobs.all()
    response = call(sut, method, route)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert "ratelimit" not in response.headers
    assert len(sut.jobs.all()) == len(before) + 1  # the job that this call itself has stored
    sut.rates.available = True
    assert [call(sut, method, route).status == 429 for _ in range(2)] == [False, True]
