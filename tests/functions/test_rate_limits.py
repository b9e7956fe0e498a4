"""Rate limits: which calls count against which limit, when, and what their answers tell."""

import re

import pytest

from tests.functions.world import ANOTHER_USER, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
GENERATE = {"/api/videos/generate", "/api/videos/batch", "/api/videos/{jobId}/retry"}
EVERY_ROUTE = pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])


def call(world, method, route, **overrides):
    """A call of a route that is known to be valid; what becomes of it is another matter."""
    batch = a_batch(world, USER, JobStatus.COMPLETED)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    bodies = {"/api/videos/generate": REQUEST, "/api/videos/batch": {"items": [REQUEST, REQUEST]}}
    return world.call(method, path, bodies.get(route), **overrides)


def left(answer):
    """The limit's name, and how many calls are left of it."""
    name, remaining, _ = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer.headers["ratelimit"]).groups()
    return name, int(remaining)


@EVERY_ROUTE
def test_every_call_counts_once_and_tells_what_is_left(world, method, route):
    world.settings.generate_calls_per_minute, world.settings.read_calls_per_minute = 30, 600
    name, calls = ("generate", 30) if route in GENERATE else ("read", 600)
    first, second = call(world, method, route), call(world, method, route)
    assert (left(first), left(second)) == ((name, calls - 1), (name, calls - 2))
    assert first.headers["ratelimit"] == f'"{name}";r={calls - 1};t=60'
    assert first.headers["ratelimit-policy"] == f'"{name}";q={calls};w=60'


@EVERY_ROUTE
def test_one_too_many_is_refused_until_there_is_room_again(world, method, route):
    world.settings.generate_calls_per_minute = world.settings.read_calls_per_minute = 2
    name = "generate" if route in GENERATE else "read"
    call(world, method, route)
    world.clock.advance(seconds=15.5)
    call(world, method, route)
    answer = call(world, method, route)
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert answer.headers["retry-after"] == "45"
    assert answer.headers["ratelimit"] == f'"{name}";r=0;t=45'
    assert answer.headers["ratelimit-policy"] == f'"{name}";q=2;w=60'
    world.clock.advance(seconds=45)
    assert call(world, method, route).status != 429


def test_what_is_refused_makes_nothing_and_is_not_counted(world):
    world.settings.generate_calls_per_minute = 1
    assert [world.post(REQUEST).status for _ in range(4)] == [201, 429, 429, 429]
    assert (len(world.jobs.all()), len(world.queue.sent)) == (1, 1)
    world.clock.advance(seconds=60)
    assert world.post(REQUEST).status == 201


def test_the_two_limits_do_not_touch_each_other(world):
    world.settings.generate_calls_per_minute = world.settings.read_calls_per_minute = 1
    job_id = world.post(REQUEST).json["data"]["jobId"]
    assert [world.get(job_id).status, world.post(REQUEST).status, world.get(job_id).status] == [200, 429, 429]


def test_generate_batch_and_retry_share_one_limit(world):
    world.settings.generate_calls_per_minute = 3
    job = world.put(status=JobStatus.FAILED, next=None)
    answers = [
        world.post(REQUEST),
        world.post_batch({"items": [REQUEST] * 10}),
        world.call("POST", f"/api/videos/{job.id}/retry"),
        world.post(REQUEST),
    ]
    assert [answer.status for answer in answers] == [201, 201, 200, 429]


def test_users_do_not_touch_each_other(world):
    world.settings.read_calls_per_minute = 1
    assert [world.list().status, world.list().status] == [200, 429]
    assert world.list(world.sign_in(ANOTHER_USER)).status == 200


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
def test_a_request_that_is_not_valid_is_not_counted(world, refused):
    answer = world.call("POST", "/api/videos/generate", **{"body": REQUEST} | refused)
    assert answer.status >= 400
    assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)
    assert left(world.post(REQUEST)) == ("generate", 999)


def test_a_priority_that_is_not_allowed_is_not_counted(world):
    assert world.post(REQUEST | {"priority": "high"}).status == 403
    assert left(world.post(REQUEST)) == ("generate", 999)


def test_a_query_that_is_not_valid_is_not_counted(world):
    assert world.list(limit="0").status == 400
    assert left(world.list()) == ("read", 999)


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda world: world.get("nothing"), 404),
        (lambda world: world.get(world.put(user_id=ANOTHER_USER).id), 403),
        (lambda world: world.call("POST", f"/api/videos/{world.put(status=JobStatus.FAILED).id}/cancel"), 409),
    ],
)
def test_a_valid_request_that_comes_to_nothing_is_counted(world, call, status):
    answer = call(world)
    assert (answer.status, left(answer)) == (status, ("read", 999))


def test_a_bug_after_the_count_tells_what_is_left_all_the_same(world):
    world.jobs.new_id = lambda: 1 / 0
    answer = world.post(REQUEST)
    assert (answer.status, left(answer)) == (500, ("generate", 999))


def test_what_one_call_was_told_is_not_told_to_the_next(world):
    assert "ratelimit" in world.post(REQUEST).headers
    assert "ratelimit" not in world.post("{").headers


def test_a_replay_counts_like_any_call(world):
    key = {"Idempotency-Key": "first"}
    assert [left(world.post(REQUEST, headers=key)) for _ in range(2)] == [("generate", 999), ("generate", 998)]


def test_a_poll_that_finds_nothing_new_counts_as_well(world):
    job = world.put()
    answer = world.get(job.id, headers={"If-None-Match": "*"})
    assert (answer.status, left(answer)) == (304, ("read", 999))


@EVERY_ROUTE
def test_without_the_database_nothing_is_let_through_and_nothing_counted(world, method, route):
    world.rates.available = False
    before = world.jobs.all()
    answer = call(world, method, route)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")
    assert "ratelimit" not in answer.headers
    assert len(world.jobs.all()) == len(before) + 1  # the one that this test has put there
    world.rates.available = True
    assert left(call(world, method, route))[1] == 999
