"""The live updates' document is fresh, hangs together, and says what the code does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tools.apidocs.asyncapi import build_document, write_yaml
from videojobs.api.realtime import Action, parse_message
from videojobs.domain.errors import RequestError

COMMITTED = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"
DOCUMENT = build_document()
MESSAGES = DOCUMENT["components"]["messages"]
SAID_BY_CLIENTS = [example["payload"] for name in ("subscribe", "ping") for example in MESSAGES[name]["examples"]]


def references(document: Any) -> Iterator[str]:
    """Every `$ref` in it."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def follow(reference: str) -> Any:
    """What a `$ref` leads to."""
    target: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return target


def check(payload: object, message: str) -> None:
    """Raise if a payload is not what the document says of that message."""
    schema = MESSAGES[message]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(payload)


def test_the_committed_document_is_fresh() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == write_yaml(), "stale: make apidocs"
    assert yaml.safe_load(COMMITTED.read_text(encoding="utf-8")) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    assert all(follow(reference) for reference in found)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_example_is_what_its_schema_says(message: str) -> None:
    assert MESSAGES[message]["examples"]
    for example in MESSAGES[message]["examples"]:
        check(example["payload"], message)


def test_every_message_is_said_by_somebody() -> None:
    spoken = set()
    for operation in DOCUMENT["operations"].values():
        replies = operation.get("reply", {}).get("messages", [])
        spoken |= {reference["$ref"].rpartition("/")[2] for reference in (*operation["messages"], *replies)}
    assert spoken == set(MESSAGES) == set(DOCUMENT["channels"]["updates"]["messages"])


def test_every_action_is_documented() -> None:
    assert {payload["action"] for payload in SAID_BY_CLIENTS} == {action.value for action in Action}


@pytest.mark.parametrize("payload", SAID_BY_CLIENTS, ids=json.dumps)
def test_what_the_document_says_clients_may_say_is_understood(payload: dict[str, str]) -> None:
    message = parse_message(json.dumps(payload))
    assert (message.action, message.job_id) == (payload["action"], payload.get("jobId"))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"action": "shout"},
        {"action": 1},
        {"action": "subscribe", "jobId": None},
        {"action": "subscribe", "jobID": "x"},
        {"action": "ping", "jobId": "0" * 24},
        {"action": "subscribe", "jobId": ["0" * 24]},
        [],
        "ping",
        None,
    ],
    ids=json.dumps,
)
def test_what_the_document_refuses_is_refused(payload: object) -> None:
    with pytest.raises(RequestError):
        parse_message(json.dumps(payload))
    for message in ("subscribe", "ping"):
        with pytest.raises(jsonschema.ValidationError):
            check(payload, message)


def test_an_error_has_no_data() -> None:
    assert set(DOCUMENT["components"]["schemas"]["ErrorMessage"]["properties"]) == {"type", "code", "message"}
