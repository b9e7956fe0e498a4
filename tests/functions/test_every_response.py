"""Properties of every response: envelope, headers, CORS, agreement with the API document, and logs without secrets."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tests.functions.system_under_test import ANOTHER_USER, ORIGIN, a_batch
from videojobs.api.resolver import SECURITY_HEADERS
from videojobs.domain.job import JobStatus

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
JOB = "/api/videos/{jobId}"
CALLBACK = "/api/providers/{provider}/callback"
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())


def get(sut, **overrides):
    return sut.get(sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None).id, **overrides)


def get_live(sut, **overrides):
    return sut.get(sut.put().id, **overrides)


def get_of_another_user(sut, **overrides):
    return sut.get(sut.put(user_id=ANOTHER_USER).id, **overrides)


def get_unknown(sut, **overrides):
    return sut.get("nothing", **overrides)


def get_unchanged(sut, headers=None):
    return get(sut, headers=(headers or {}) | {"If-None-Match": "*"})


def head(sut, **overrides):
    return get(sut, httpMethod="HEAD", **overrides)


def head_unchanged(sut, headers=None):
    return head(sut, headers=(headers or {}) | {"If-None-Match": "*"})


def head_of_another_user(sut, **overrides):
    return get_of_another_user(sut, httpMethod="HEAD", **overrides)


def head_without_database(sut, **overrides):
    job = sut.put()
    sut.shut_down()
    return sut.get(job.id, httpMethod="HEAD", **overrides)


def get_too_often(sut, **overrides):
    sut.settings.read_calls_per_minute = 1
    get(sut)
    return get(sut, **overrides)


def post(sut, **overrides):
    return sut.post(REQUEST, **overrides)


def post_invalid_json(sut, **overrides):
    return sut.post("{", **overrides)


def post_too_large(sut, **overrides):
    return sut.post("[" * 70_000, **overrides)


def post_without_database(sut, **overrides):
    sut.shut_down()
    return sut.post(REQUEST, **overrides)


def post_text(sut, headers=None):
    return sut.post("hello", headers={"Content-Type": "text/plain"} | (headers or {}))


def post_without_session(sut, headers=None):
    return sut.post(REQUEST, headers={"Cookie": None} | (headers or {}))


def post_cross_site(sut, headers=None):
    return sut.post(
        REQUEST, headers=(headers or {}) | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    )


def post_high_priority(sut, **overrides):
    return sut.post(REQUEST | {"priority": "high"}, **overrides)


def post_with_internal_error(sut, **overrides):
    sut.jobs.new_id = lambda: 1 / 0
    return sut.post(REQUEST, **overrides)


def post_too_often(sut, **overrides):
    sut.settings.generate_calls_per_minute = 1
    post(sut)
    return post(sut, **overrides)


def post_batch(sut, **overrides):
    return sut.post_batch({"items": [REQUEST, REQUEST]}, **overrides)


def post_invalid_batch(sut, **overrides):
    return sut.post_batch({"items": []}, **overrides)


def post_another_batch_of_the_same_key(sut, headers=None):
    key = {"Idempotency-Key": "first"}
    post_batch(sut, headers=key)
    return sut.post_batch({"items": [REQUEST]}, headers=(headers or {}) | key)


def estimate(sut, **overrides):
    return sut.call("POST", "/api/videos/estimate", REQUEST, **overrides)


def estimate_invalid(sut, **overrides):
    return sut.call("POST", "/api/videos/estimate", {}, **overrides)


def options(sut, **overrides):
    return sut.call("GET", "/api/videos/options", **overrides)


def options_unchanged(sut, headers=None):
    return options(sut, headers=(headers or {}) | {"If-None-Match": options(sut).headers["etag"]})


def list_page(sut, headers=None):
    sut.put()
    post(sut)
    return sut.list(headers, limit="1")


def list_with_unknown_parameter(sut, headers=None):
    return sut.list(headers, page="1")


def cancel(sut, **overrides):
    return sut.call("POST", f"/api/videos/{sut.put().id}/cancel", **overrides)


def cancel_completed(sut, **overrides):
    return sut.call("POST", f"/api/videos/{sut.put(status=JobStatus.COMPLETED, next=None).id}/cancel", **overrides)


def cancel_with_fields(sut, **overrides):
    return sut.call("POST", f"/api/videos/{sut.put().id}/cancel", {"reason": "none"}, **overrides)


def retry(sut, **overrides):
    return sut.call("POST", f"/api/videos/{sut.put(status=JobStatus.FAILED, next=None).id}/retry", **overrides)


def retry_live(sut, **overrides):
    return sut.call("POST", f"/api/videos/{sut.put().id}/retry", **overrides)


def delete(sut, **overrides):
    return sut.call("DELETE", f"/api/videos/{sut.put(status=JobStatus.FAILED, next=None).id}", **overrides)


def delete_live(sut, **overrides):
    return sut.call("DELETE", f"/api/videos/{sut.put().id}", **overrides)


def play(sut, **overrides):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None)
    return sut.call("GET", f"/api/videos/{job.id}/content", **overrides)


def head_of_content(sut, **overrides):
    return play(sut, httpMethod="HEAD", **overrides)


def head_of_content_too_early(sut, **overrides):
    return play_too_early(sut, httpMethod="HEAD", **overrides)


def play_too_early(sut, **overrides):
    return sut.call("GET", f"/api/videos/{sut.put().id}/content", **overrides)


def count_batch(sut, **overrides):
    return sut.call("GET", f"/api/batches/{a_batch(sut).id}", **overrides)


def count_batch_of_another_user(sut, **overrides):
    return sut.call("GET", f"/api/batches/{a_batch(sut, ANOTHER_USER).id}", **overrides)


def count_unknown_batch(sut, **overrides):
    return sut.call("GET", "/api/batches/nothing", **overrides)


def erase(sut, **overrides):
    sut.put()
    return sut.call("DELETE", "/api/users/me/videos", **overrides)


def erase_slowly(sut, **overrides):
    sut.put()
    remove = sut.store.remove

    def remove_slowly(keys):
        sut.clock.advance(60)
        remove(keys)

    sut.store.remove = remove_slowly
    return sut.call("DELETE", "/api/users/me/videos", **overrides)


def erase_without_bucket(sut, **overrides):
    sut.put()
    sut.store.available = False
    return sut.call("DELETE", "/api/users/me/videos", **overrides)


def create_ticket(sut, **overrides):
    return sut.call("POST", "/api/realtime/ticket", **overrides)


def call_back(sut, headers=None, text='{"id": "task-1"}'):
    return sut.call_back(text, query={"job": sut.put().id}, headers=headers or {})


def call_back_unsigned(sut, headers=None):
    return call_back(sut, headers={"X-Signature": "unknown"} | (headers or {}))


def call_back_too_large(sut, headers=None):
    return call_back(sut, headers, text="[" * 1_048_577)


def call_back_unknown_provider(sut, headers=None):
    return sut.call_back("{}", provider="runway", headers=headers or {})


def call_back_without_database(sut, headers=None):
    job = sut.put()
    sut.shut_down()
    return sut.call_back("{}", query={"job": job.id}, headers=headers or {})


CALLS: dict[Callable, tuple[int, str, str]] = {
    get: (200, JOB, "get"),
    get_live: (200, JOB, "get"),
    get_unchanged: (304, JOB, "get"),
    get_of_another_user: (403, JOB, "get"),
    get_unknown: (404, JOB, "get"),
    get_too_often: (429, JOB, "get"),
    head: (200, JOB, "head"),
    head_unchanged: (304, JOB, "head"),
    head_of_another_user: (403, JOB, "head"),
    head_without_database: (503, JOB, "head"),
    head_of_content: (302, f"{JOB}/content", "head"),
    head_of_content_too_early: (409, f"{JOB}/content", "head"),
    post: (201, "/api/videos/generate", "post"),
    post_invalid_json: (400, "/api/videos/generate", "post"),
    post_without_session: (401, "/api/videos/generate", "post"),
    post_cross_site: (403, "/api/videos/generate", "post"),
    post_high_priority: (403, "/api/videos/generate", "post"),
    post_too_large: (413, "/api/videos/generate", "post"),
    post_text: (415, "/api/videos/generate", "post"),
    post_too_often: (429, "/api/videos/generate", "post"),
    post_with_internal_error: (500, "/api/videos/generate", "post"),
    post_without_database: (503, "/api/videos/generate", "post"),
    post_batch: (201, "/api/videos/batch", "post"),
    post_invalid_batch: (400, "/api/videos/batch", "post"),
    post_another_batch_of_the_same_key: (422, "/api/videos/batch", "post"),
    estimate: (200, "/api/videos/estimate", "post"),
    estimate_invalid: (400, "/api/videos/estimate", "post"),
    options: (200, "/api/videos/options", "get"),
    options_unchanged: (304, "/api/videos/options", "get"),
    list_page: (200, "/api/videos", "get"),
    list_with_unknown_parameter: (400, "/api/videos", "get"),
    cancel: (200, f"{JOB}/cancel", "post"),
    cancel_with_fields: (400, f"{JOB}/cancel", "post"),
    cancel_completed: (409, f"{JOB}/cancel", "post"),
    retry: (200, f"{JOB}/retry", "post"),
    retry_live: (409, f"{JOB}/retry", "post"),
    delete: (204, JOB, "delete"),
    delete_live: (409, JOB, "delete"),
    play: (302, f"{JOB}/content", "get"),
    play_too_early: (409, f"{JOB}/content", "get"),
    count_batch: (200, "/api/batches/{batchId}", "get"),
    count_batch_of_another_user: (403, "/api/batches/{batchId}", "get"),
    count_unknown_batch: (404, "/api/batches/{batchId}", "get"),
    create_ticket: (201, "/api/realtime/ticket", "post"),
    erase: (204, "/api/users/me/videos", "delete"),
    erase_slowly: (202, "/api/users/me/videos", "delete"),
    erase_without_bucket: (503, "/api/users/me/videos", "delete"),
    call_back: (200, CALLBACK, "post"),
    call_back_unsigned: (401, CALLBACK, "post"),
    call_back_unknown_provider: (404, CALLBACK, "post"),
    call_back_too_large: (413, CALLBACK, "post"),
    call_back_without_database: (503, CALLBACK, "post"),
}
every_call = pytest.mark.parametrize("make", CALLS, ids=lambda make: make.__name__)


def test_every_documented_response_is_covered():
    covered = {(path, method, str(status)) for status, path, method in CALLS.values()}
    documented = {
        (path, method, status)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        for status, response in operation["responses"].items()
        if "$ref" not in response and (method != "head" or int(status) < 400)
    }
    assert documented <= covered


@every_call
def test_a_response_has_a_documented_status_body_and_headers(sut, make):
    expected, path, method = CALLS[make]
    response = make(sut)
    assert response.status == expected
    documented = DOCUMENT["paths"][path][method]["responses"][str(response.status)]
    if "$ref" in documented:
        documented = DOCUMENT["components"]["responses"][documented["$ref"].rpartition("/")[2]]
    if "content" in documented:
        schema = documented["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
        jsonschema.validate(response.json, schema, format_checker=jsonschema.FormatChecker())
    else:
        assert response.text == ""
        assert "content-type" not in response.headers or method == "head"
    if response.status >= 400 and method != "head":
        examples = documented["content"]["application/json"]["examples"].values()
        assert response.code in {example["value"]["error"]["code"] for example in examples}
    headers = {name.lower(): reference["$ref"].rpartition("/")[2] for name, reference in documented["headers"].items()}
    assert set(response.headers) - {"content-type", *map(str.lower, SECURITY_HEADERS)} <= set(headers)
    for name, component in headers.items():
        if name in response.headers:
            schema = DOCUMENT["components"]["headers"][component]["schema"]
            value = response.headers[name]
            jsonschema.validate(int(value) if schema.get("type") == "integer" else value, schema)


@every_call
def test_every_error_has_the_envelope_with_the_request_id(sut, make):
    response = make(sut)
    if response.status < 400 or CALLS[make][2] == "head":
        assert not response.text or (response.json["success"] is True and CALLS[make][2] != "head")
        return
    assert set(response.json) == {"success", "error", "requestId"}
    assert set(response.json["error"]) == {"code", "message", "details"}
    assert (response.json["success"], response.json["requestId"]) == (False, "request-1")


@every_call
def test_every_response_has_the_security_headers(sut, make):
    response = make(sut)
    headers = response.headers
    if CALLS[make][2] != "head":
        assert headers.get("content-type") == ("application/json" if response.text else None)
    cached = "private, max-age=300" if make in {options, options_unchanged} else "private, no-cache"
    assert headers["cache-control"] == (cached if "etag" in headers else "no-store")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    "make",
    [make for make, (_, path, _) in CALLS.items() if make is not post_cross_site and path != CALLBACK],
    ids=lambda make: make.__name__,
)
def test_an_allowed_origin_may_read_every_response(sut, make):
    headers = make(sut, headers={"Origin": ORIGIN}).headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    exposed = set(headers["access-control-expose-headers"].split(", "))
    assert exposed == set(DOCUMENT["components"]["headers"])
    assert headers["vary"] == "Origin"


def test_no_origin_may_read_the_response_to_a_callback(sut):
    headers = call_back(sut, headers={"Origin": ORIGIN}).headers
    assert not [name for name in headers if name.startswith("access-control-")]


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
def test_any_other_origin_may_read_no_response(sut, make, origin):
    headers = make(sut, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}).headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["vary"] == "Origin"


TRACING = {"traceparent", "tracestate", "baggage", "sentry-trace"}
"""The headers that OpenTelemetry and Sentry add to the requests of a page."""


@pytest.mark.parametrize("path", ["/api/videos/generate", "/api/videos/665f1f77bcf86cd799439011", "/api/nothing"])
def test_a_preflight_has_the_same_response_on_every_route(sut, path):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Cookie": None}
    for response in (
        sut.post(None, httpMethod="OPTIONS", path=path, headers=headers),
        sut.get("x", httpMethod="OPTIONS", path=path, headers=headers),
    ):
        assert (response.status, response.text) == (204, "")
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
        allowed = {name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")}
        assert allowed == {"content-type", "idempotency-key", "if-none-match"} | TRACING
        assert response.headers["access-control-max-age"] == "600"
        assert response.headers["vary"] == "Origin"


def test_a_403_for_an_origin_names_it_and_cannot_be_read_by_its_page(sut):
    response = post_cross_site(sut)
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert "https://evil.example" in response.json["error"]["message"]
    assert "AllowedOrigins" in response.json["error"]["message"]
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "evil.example" not in sut.log.getvalue()


def test_a_preflight_from_another_origin_allows_nothing(sut):
    response = sut.post(None, httpMethod="OPTIONS", headers={"Origin": "https://evil.example"})
    assert response.status == 204
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("make", [post, get], ids=["post", "get"])
def test_every_configured_origin_is_allowed(sut, make):
    headers = make(sut, headers={"Origin": "https://other.example.com"}).headers
    assert headers["access-control-allow-origin"] == "https://other.example.com"


@pytest.mark.parametrize(
    "event", [{}, {"httpMethod": "GET"}, {"httpMethod": 1, "path": None, "headers": 7, "requestContext": 7, "body": {}}]
)
def test_an_event_that_is_not_a_request_returns_500(sut, event):
    response = sut.invoke(event)
    assert (response.status, response.code) == (500, "INTERNAL_ERROR")
    assert response.json["requestId"] == "lambda-1"


def test_an_unreadable_configuration_returns_500(sut):
    del sut.settings.allowed_origins
    response = get(sut, headers={"Origin": ORIGIN})
    assert (response.status, response.code) == (500, "INTERNAL_ERROR")


@every_call
def test_no_secret_and_no_user_input_is_logged(sut, make):
    make(sut)
    logged = sut.log.getvalue()
    assert "request_answered" in logged
    token = sut.token()
    for secret in (
        token,
        token.rpartition(".")[2],
        sut.secret.current,
        "paper boat",
        "token=",
        "Cookie",
        "?signature=",
    ):
        assert secret not in logged


def test_the_debugging_switch_of_powertools_does_not_log_the_event(sut, monkeypatch, capsys):
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    post(sut)
    assert "paper boat" not in sut.log.getvalue() + capsys.readouterr().out
