"""The events for `sam local invoke` are what API Gateway sends, but for the token that a developer pastes in."""

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


def test_every_sample_is_tried():
    assert {path.stem for path in EVENTS.glob("*.json")} == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "status"),
    [("generate", 201), ("generate-preflight", 204), ("batch", 201), ("status", 200), ("list", 200), ("cancel", 200)],
)
def test_a_sample_event_with_a_token_is_answered(sut, name, status):
    sut.put()
    answer = invoke(sut, name, sut.token())
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize("name", ["generate", "batch", "status", "list", "cancel"])
def test_a_sample_event_as_it_is_says_what_is_missing(sut, name):
    assert invoke(sut, name).code == "TOKEN_INVALID"
