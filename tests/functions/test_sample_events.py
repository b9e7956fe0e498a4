"""The events for `sam local invoke` are what API Gateway sends, but for the token that a developer pastes in."""

import json
from pathlib import Path

import pytest

EVENTS = Path(__file__).parents[2] / "events"


def load(name, token=None):
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("paste-what-make-token-prints", token) if token else text)


@pytest.mark.parametrize(("name", "status"), [("generate", 201), ("generate-preflight", 204), ("status", 200)])
def test_a_sample_event_with_a_token_is_answered(world, name, status):
    world.put()
    invoke = world.invoke if name == "status" else world.invoke_generate
    answer = invoke(load(name, world.token()))
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize("name", ["generate", "status"])
def test_a_sample_event_as_it_is_says_what_is_missing(world, name):
    invoke = world.invoke if name == "status" else world.invoke_generate
    assert invoke(load(name)).code == "TOKEN_INVALID"
