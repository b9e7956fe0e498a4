"""Sample events for `sam local invoke`: as API Gateway sends them, except for the token that a developer inserts."""

import json
from pathlib import Path

import pytest

EVENTS = Path(__file__).parents[2] / "events"


def load(name, token=None):
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("paste-what-make-token-prints", token) if token else text)


FUNCTIONS = {
    "generate": "generate",
    "generate-preflight": "generate",
    "batch": "generate",
    "status": "status",
    "list": "jobs",
    "cancel": "jobs",
}


def invoke(sut, name, token=None):
    functions = {"generate": sut.invoke_generate, "status": sut.invoke, "jobs": sut.invoke_jobs}
    return functions[FUNCTIONS[name]](load(name, token))


def test_every_sample_is_covered():
    assert {path.stem for path in EVENTS.glob("*.json")} == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "status"),
    [("generate", 201), ("generate-preflight", 204), ("batch", 201), ("status", 200), ("list", 200), ("cancel", 200)],
)
def test_a_sample_event_with_a_token_succeeds(sut, name, status):
    sut.put()
    response = invoke(sut, name, sut.token())
    assert response.status == status
    assert response.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize("name", ["generate", "batch", "status", "list", "cancel"])
def test_a_sample_event_without_a_token_returns_token_invalid(sut, name):
    assert invoke(sut, name).code == "TOKEN_INVALID"


@pytest.mark.parametrize(("name", "status"), [("generate", 201), ("batch", 201), ("cancel", 200)])
def test_a_sample_event_succeeds_where_its_origin_is_not_allowed(sut, name, status):
    sut.put()
    sut.settings.allowed_origins = ("https://other.example.com",)
    assert invoke(sut, name, sut.token()).status == status
