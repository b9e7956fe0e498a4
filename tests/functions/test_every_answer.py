"""What holds for every answer: the envelope, the headers, CORS, the API document, and no secret in a log."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from videojobs.domain.job import JobStatus, UserId

ORIGIN = "https://app.example.com"
REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())


def get(world, **overrides):
    return world.get(world.store(status=JobStatus.COMPLETED, video_url="s3://videos/a.mp4").id, **overrides)


def get_anothers(world, **overrides):
    return world.get(world.store(user_id=UserId("0" * 24)).id, **overrides)


def post(world, **overrides):
    return world.post(REQUEST, **overrides)


def post_garbage(world, **overrides):
    return world.post("{", **overrides)


def post_too_much(world, **overrides):
    return world.post("[" * 70_000, **overrides)


def post_without_database(world, **overrides):
    world.jobs.available = False
    return world.post(REQUEST, **overrides)


def post_text(world, headers=None):
    return world.post("hello", headers={"Content-Type": "text/plain"} | (headers or {}))


def post_unsigned(world, headers=None):
    return world.post(REQUEST, headers={"Cookie": None} | (headers or {}))


def post_cross_site(world, headers=None):
    return world.post(
        REQUEST, headers=(headers or {}) | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    )


def post_into_a_bug(world, **overrides):
    world.jobs.new_id = lambda: 1 / 0
    return world.post(REQUEST, **overrides)


def get_unknown(world, **overrides):
    return world.get("nothing", **overrides)


CALLS: dict[Callable, tuple[int, str, str]] = {
    get: (200, "/api/videos/{jobId}", "get"),
    get_anothers: (403, "/api/videos/{jobId}", "get"),
    get_unknown: (404, "/api/videos/{jobId}", "get"),
    post: (201, "/api/videos/generate", "post"),
    post_garbage: (400, "/api/videos/generate", "post"),
    post_unsigned: (401, "/api/videos/generate", "post"),
    post_cross_site: (403, "/api/videos/generate", "post"),
    post_too_much: (413, "/api/videos/generate", "post"),
    post_text: (415, "/api/videos/generate", "post"),
    post_into_a_bug: (500, "/api/videos/generate", "post"),
    post_without_database: (503, "/api/videos/generate", "post"),
}
every_call = pytest.mark.parametrize("make", CALLS, ids=lambda make: make.__name__)


@every_call
def test_an_answer_is_one_of_the_documented_and_of_its_shape(world, make):
    expected, path, method = CALLS[make]
    answer = make(world)
    assert answer.status == expected
    documented = DOCUMENT["paths"][path][method]["responses"][str(answer.status)]
    if "$ref" in documented:
        documented = DOCUMENT["components"]["responses"][documented["$ref"].rpartition("/")[2]]
    schema = documented["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    jsonschema.validate(answer.json, schema, format_checker=jsonschema.FormatChecker())
    assert set(answer.headers) - {"content-type"} <= {name.lower() for name in documented["headers"]}
    for name, value in answer.headers.items():
        header = next((each for each in DOCUMENT["components"]["headers"] if each.lower() == name), None)
        assert header is None or DOCUMENT["components"]["headers"][header]["schema"].get("const", value) == value


@every_call
def test_every_error_comes_in_the_one_envelope_with_the_gateways_request_id(world, make):
    answer = make(world)
    if answer.status < 400:
        assert answer.json["success"] is True
        return
    assert set(answer.json) == {"success", "error", "requestId"}
    assert set(answer.json["error"]) == {"code", "message", "details"}
    assert (answer.json["success"], answer.json["requestId"]) == (False, "request-1")


@every_call
def test_every_answer_is_guarded(world, make):
    headers = make(world).headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    "make", [make for make in CALLS if make is not post_cross_site], ids=lambda make: make.__name__
)
def test_an_allow_listed_origin_may_read_every_answer_errors_too(world, make):
    headers = make(world, headers={"Origin": ORIGIN}).headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-expose-headers"] == (
        "Location, ETag, Retry-After, Link, RateLimit, RateLimit-Policy"
    )
    assert headers["vary"] == "Origin"


@every_call
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://app.example.com",
        "https://app.example.com:444",
        "https://APP.example.com",
        "https://app.example.com.evil.example",
        "https://app.example.com, https://evil.example",
        "*",
        "",
        None,
    ],
)
def test_any_other_origin_may_read_none(world, make, origin):
    headers = make(world, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}).headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/api/videos/generate", "/api/videos/665f1f77bcf86cd799439011", "/api/nothing"])
def test_a_preflight_is_answered_alike_for_every_route_without_a_cookie(world, path):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Cookie": None}
    for answer in (
        world.post(None, httpMethod="OPTIONS", path=path, headers=headers),
        world.get("x", httpMethod="OPTIONS", path=path, headers=headers),
    ):
        assert (answer.status, answer.text) == (204, "")
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
        assert answer.headers["access-control-allow-headers"] == "Content-Type, Idempotency-Key, If-None-Match"
        assert answer.headers["access-control-max-age"] == "600"
        assert answer.headers["vary"] == "Origin"


def test_a_preflight_of_another_origin_allows_nothing(world):
    answer = world.post(None, httpMethod="OPTIONS", headers={"Origin": "https://evil.example"})
    assert answer.status == 204
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("make", [post, get], ids=["post", "get"])
def test_every_one_of_several_origins_is_allowed(world, make):
    headers = make(world, headers={"Origin": "https://other.example.com"}).headers
    assert headers["access-control-allow-origin"] == "https://other.example.com"


@pytest.mark.parametrize(
    "event", [{}, {"httpMethod": "GET"}, {"httpMethod": 1, "path": None, "headers": 7, "requestContext": 7, "body": {}}]
)
def test_an_event_that_is_no_request_gets_an_answer_all_the_same(world, event):
    answer = world.invoke(event)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert answer.json["requestId"] == "lambda-1"


def test_a_configuration_that_cannot_be_read_is_500_in_the_envelope(world):
    del world.settings.allowed_origins
    answer = get(world, headers={"Origin": ORIGIN})
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")


@every_call
def test_no_secret_and_nothing_a_user_typed_is_logged(world, make):
    make(world)
    logged = world.log.getvalue()
    assert "request_answered" in logged
    token = world.token()
    for secret in (
        token,
        token.rpartition(".")[2],
        world.secret.current,
        "paper boat",
        "token=",
        "Cookie",
        "?signature=",
    ):
        assert secret not in logged


def test_powertools_switches_for_debugging_show_no_event(world, monkeypatch, capsys):
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    post(world)
    assert "paper boat" not in world.log.getvalue() + capsys.readouterr().out
