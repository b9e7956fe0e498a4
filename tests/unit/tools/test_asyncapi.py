"""The AsyncAPI document: consistent, and in agreement with the code and with docs/openapi.json."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import TypeAdapter

from tools.apidocs.live import refresh_live_document
from videojobs.api.realtime import MAXIMUM_MESSAGE_LENGTH, Action, parse_message
from videojobs.api.updates import PONG, ErrorMessage, JobUpdated, Pong, serialize_error
from videojobs.domain import errors
from videojobs.domain.errors import RequestError
from videojobs.domain.job import Announcement
from videojobs.domain.realtime import (
    LONGEST_CONNECTION,
    MAXIMUM_SUBSCRIPTIONS,
    REFUSED_MESSAGES,
    SNAPSHOT_INTERVAL,
    SNAPSHOT_JOBS,
    TICKET_LIFETIME,
)
from videojobs.settings import ApiSettings

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
MESSAGES = DOCUMENT["components"]["messages"]
CLIENT_MESSAGES = [example["payload"] for name in ("subscribe", "ping") for example in MESSAGES[name]["examples"]]


def references(document: Any) -> Iterator[str]:
    """Yield every `$ref` in the document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def follow(reference: str) -> Any:
    """Return the target of a `$ref`."""
    target: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return target


def check(payload: object, message: str) -> None:
    """Validate the payload against the schema of the message."""
    schema = MESSAGES[message]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(payload)


def test_the_generated_parts_of_the_committed_document_are_current() -> None:
    text = (DOCS / "asyncapi.yaml").read_text(encoding="utf-8")
    assert refresh_live_document(text) == text, "stale: make apidocs"


def test_every_message_and_every_example_has_a_name() -> None:
    assert len({message["name"] for message in MESSAGES.values()}) == len(MESSAGES)
    for message in MESSAGES.values():
        names = [example["name"] for example in message["examples"]]
        assert len(set(names)) == len(names)


def test_every_field_has_a_description() -> None:
    fields = {
        (schema, field): content
        for schema, definition in SCHEMAS.items()
        for field, content in definition["properties"].items()
    }
    assert [name for name, content in fields.items() if "description" not in content and "$ref" not in content] == []


def test_a_message_and_its_job_have_the_same_id_and_version() -> None:
    updates = [example["payload"] for example in MESSAGES["jobUpdated"]["examples"]]
    assert {update["data"]["status"] for update in updates} == {"queued", "processing", "completed", "failed"}
    for update in updates:
        assert (update["jobId"], update["version"]) == (update["data"]["jobId"], update["data"]["version"])


def test_the_ids_of_the_example_messages_are_like_those_of_the_code() -> None:
    for example in MESSAGES["jobUpdated"]["examples"]:
        update = example["payload"]
        snapshot_id = f"snapshot-{update['jobId']}-{update['version']}"
        assert update["id"] == snapshot_id or len(update["id"]) == len(Announcement.of(1, datetime.now(UTC)).id)


def test_a_job_has_the_schema_of_the_rest_api() -> None:
    openapi = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    jobs = {name: openapi["components"]["schemas"][name] for name in SCHEMAS if "Data" in name}
    assert {name: SCHEMAS[name] for name in jobs} == jobs
    assert "VideoJobData" in jobs


@pytest.mark.parametrize("message", [JobUpdated, Pong, ErrorMessage])
def test_a_message_has_the_fields_that_the_code_sends(message: type) -> None:
    generated, documented = TypeAdapter(message).json_schema(), SCHEMAS[message.__name__]
    assert documented["properties"].keys() == generated["properties"].keys()
    assert documented["required"] == generated["required"]
    assert documented["properties"]["type"]["const"] == generated["properties"]["type"]["const"]


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(" ".join([DOCUMENT["info"]["description"], MESSAGES["subscribe"]["description"]]).split())
    hours, seconds = LONGEST_CONNECTION.total_seconds() / 3600, TICKET_LIFETIME.total_seconds()
    for limit in (
        f"{hours:.0f} hours",
        f"{seconds:.0f} s",
        f"newest {SNAPSHOT_JOBS}",
        f"{MAXIMUM_SUBSCRIPTIONS} single",
        f"{ApiSettings.read_calls_per_minute} handshakes and messages per minute",
        f"After {REFUSED_MESSAGES.calls} such errors",
        f"once in {SNAPSHOT_INTERVAL.total_seconds():.0f} s",
    ):
        assert limit in text


def test_the_examples_of_errors_are_those_that_the_code_sends() -> None:
    examples = (
        errors.ValidationFailed([errors.ErrorDetail("action", f"Must be one of: {', '.join(Action)}.")]),
        errors.BodyTooLarge(
            f"The message exceeds the limit of {MAXIMUM_MESSAGE_LENGTH} characters. Send a shorter message."
        ),
        errors.JobForbidden(),
        errors.JobNotFound(),
        errors.TooManySubscriptions(),
        errors.RateLimited(),
        errors.Unavailable(),
        errors.VideoJobsError(),
    )
    payloads = [serialize_error(error) for error in examples]
    assert [example["payload"] for example in MESSAGES["error"]["examples"]] == payloads
    assert set(SCHEMAS["ErrorMessage"]["properties"]["code"]["enum"]) == {payload["code"] for payload in payloads}
    assert [example["payload"] for example in MESSAGES["pong"]["examples"]] == [PONG]


def test_every_reference_can_be_resolved() -> None:
    targets = set(references(DOCUMENT))
    assert targets
    assert all(follow(reference) for reference in targets)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_example_matches_its_schema(message: str) -> None:
    assert MESSAGES[message]["examples"]
    for example in MESSAGES[message]["examples"]:
        check(example["payload"], message)


def test_every_message_belongs_to_an_operation() -> None:
    message_names = set()
    for operation in DOCUMENT["operations"].values():
        replies = operation.get("reply", {}).get("messages", [])
        message_names |= {reference["$ref"].rpartition("/")[2] for reference in (*operation["messages"], *replies)}
    assert message_names == set(MESSAGES) == set(DOCUMENT["channels"]["updates"]["messages"])


def test_every_action_is_documented() -> None:
    assert {payload["action"] for payload in CLIENT_MESSAGES} == {action.value for action in Action}


@pytest.mark.parametrize("payload", CLIENT_MESSAGES, ids=json.dumps)
def test_the_code_accepts_the_documented_client_messages(payload: dict[str, str]) -> None:
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
def test_the_code_and_the_document_refuse_the_same_payloads(payload: object) -> None:
    with pytest.raises(RequestError):
        parse_message(json.dumps(payload))
    for message in ("subscribe", "ping"):
        with pytest.raises(jsonschema.ValidationError):
            check(payload, message)


def test_an_error_message_has_no_data() -> None:
    assert set(DOCUMENT["components"]["schemas"]["ErrorMessage"]["properties"]) == {"type", "code", "message"}
