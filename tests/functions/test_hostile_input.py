"""Database operators and forged log lines in every place that takes text: they are treated as text only."""

import json

import pytest

from tests.functions.system_under_test import ROUTES
from videojobs.domain.job import JobStatus

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
OPERATORS = [
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    {"$regex": ".*"},
    ["$ne"],
    {"$expr": {"$eq": [1, 1]}},
]
FORGED = '\r\n{"level":"ERROR","action":"forged","message":"forged"}\r\n\x1b[31mred\x1b[0m \u2028 \x00'


@pytest.mark.parametrize("operator", OPERATORS, ids=json.dumps)
@pytest.mark.parametrize("field", [*REQUEST, "priority", "provider"])
def test_an_operator_instead_of_a_value_is_refused_with_its_field(sut, field, operator):
    for response in (
        sut.post({**REQUEST, field: operator}),
        sut.post_batch({"items": [{**REQUEST, field: operator}]}),
    ):
        assert (response.status, response.code) == (400, "VALIDATION_ERROR")
        assert {detail["field"].rpartition(".")[2] for detail in response.json["error"]["details"]} == {field}
    assert sut.jobs.all() == []


@pytest.mark.parametrize("name", ["$where", "$set", "prompt.$ne", "prompt[$gt]", "__proto__", "_id", "userId"])
def test_an_unknown_field_is_refused(sut, name):
    response = sut.post({**REQUEST, name: "x"})
    assert response.status == 400
    assert response.json["error"]["details"][0]["field"] == name
    assert sut.jobs.all() == []


@pytest.mark.parametrize("text", ['{"$ne":null}', '{"$gt":""}', "[$ne]", "$where"])
def test_an_operator_as_text_is_treated_as_text(sut, text):
    key = {"Idempotency-Key": text}
    first, second = sut.post(REQUEST, headers={"Idempotency-Key": "another"}), sut.post(REQUEST, headers=key)
    assert first.json["data"] != second.json["data"]
    assert sut.post(REQUEST, headers=key).json["data"] == second.json["data"]
    assert sut.get(text).code == "NOT_FOUND"
    for name in ("status", "limit", "cursor", "batchId"):
        assert sut.call("GET", "/api/videos", query={name: text}).status == 400
        assert sut.call("GET", "/api/videos", query={f"{name}[$ne]": ""}).status == 400


@pytest.mark.parametrize("operator", OPERATORS, ids=json.dumps)
@pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])
def test_an_operator_as_a_user_id_is_refused(sut, method, route, operator):
    path = route.replace("{jobId}", "0" * 24).replace("{batchId}", "0" * 24)
    response = sut.call(method, path, headers={"Cookie": f"token={sut.token(userId=operator)}"})
    assert (response.status, response.code) == (401, "TOKEN_INVALID")


HEADERS = ("Origin", "Cookie", "Content-Type", "Idempotency-Key", "If-None-Match", "traceparent", "X-Amzn-Trace-Id")


@pytest.mark.parametrize(
    "place", [*HEADERS, "path", "query", "parameter", "field", "value", "prompt", "claim", "method"]
)
def test_log_lines_cannot_be_forged(sut, place):
    if place in HEADERS:
        sut.post(REQUEST, headers={place: FORGED})
    elif place == "path":
        sut.get("x", path=f"/api/videos/{FORGED}")
    elif place in {"query", "parameter"}:
        sut.call("GET", "/api/videos", query={FORGED: "x"} if place == "query" else {"cursor": FORGED})
    elif place in {"field", "value", "prompt"}:
        name = {"field": FORGED, "value": "style", "prompt": "prompt"}[place]
        sut.post({**REQUEST, name: FORGED})
    elif place == "claim":
        sut.get("x", headers={"Cookie": f"token={sut.token(userId=FORGED)}"})
    else:
        sut.get("x", httpMethod=FORGED)
    logged = sut.log.getvalue()
    lines = [json.loads(line) for line in logged.splitlines()]
    assert lines[-1]["action"] == "request_answered"
    assert not [line for line in lines if line["action"] == "forged" or line["message"] == "forged"]
    assert all(character.isprintable() for character in logged.replace("\n", ""))


@pytest.mark.parametrize(
    "prompt",
    [
        '../../etc/passwd\r\nX-Injected: 1\r\n\r\n"; filename="evil.exe',
        "..\\..\\windows\\system32\u202egpj.exe",
        "a\";filename*=UTF-8''evil.html;x=\"",
        "\x00\x1b[2J\u2028\u2029",
    ],
)
def test_a_prompt_with_a_path_becomes_a_safe_file_name(sut, prompt):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None, prompt=prompt)
    response = sut.call("GET", f"/api/videos/{job.id}/content", query={"download": ""})
    name = response.headers["location"].partition("&as=")[2]
    assert name.endswith(".mp4")
    assert not set(name) & set('/\\"<>|:*?\r\n\0\x1b\u202e\u2028')
