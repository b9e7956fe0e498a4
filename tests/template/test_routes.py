"""The routes are those of the API's document, and API Gateway's own answers look like ours."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.parsed import FUNCTIONS, ROOT, events, functions, resources, template
from videojobs.api.errors import STATUS_OF
from videojobs.api.resolver import SECURITY_HEADERS
from videojobs.domain.errors import ErrorCode

[API] = resources("AWS::Serverless::Api").values()
ANSWERS = API["GatewayResponses"]
STATUSES = {kind.code: {status for error, status in STATUS_OF.items() if error.code is kind.code} for kind in STATUS_OF}


def _routes() -> Iterator[tuple[str, str, str]]:
    for name in FUNCTIONS:
        for event in events(functions()[name], "Api"):
            assert event["RestApiId"] == {"Ref": "Api"}
            yield event["Path"], event["Method"].lower(), name


def test_the_routes_are_those_of_the_document() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    documented = {(path, method) for path, methods in document["paths"].items() for method in methods}
    documented = {(path, method) for path, method in documented if method in {"get", "post", "put", "patch", "delete"}}
    assert {(path, method) for path, method, _ in _routes() if method != "options"} == documented


def test_every_path_answers_its_preflight_by_the_same_function() -> None:
    routed = list(_routes())
    for path, _, _ in routed:
        assert [function for where, method, function in routed if (where, method) == (path, "options")], path


def test_an_answer_is_there_before_api_gateway_gives_up() -> None:
    assert all(functions()[name]["Timeout"] < 29 for _, _, name in _routes())


def test_the_execute_api_address_is_off_where_there_is_a_domain() -> None:
    assert API["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasDomain", True, False]}
    assert template()["Resources"]["ApiDomainMapping"]["Condition"] == "HasDomain"


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_an_answer_of_api_gateway_comes_in_the_envelope(kind: str) -> None:
    body = json.loads(ANSWERS[kind]["ResponseTemplates"]["application/json"])
    assert set(body) == {"success", "error", "requestId"}
    assert body["success"] is False
    assert body["requestId"] == "$context.requestId"
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"] == []


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_an_answer_of_api_gateway_has_the_status_and_the_words_that_go_with_its_code(kind: str) -> None:
    error = json.loads(ANSWERS[kind]["ResponseTemplates"]["application/json"])["error"]
    assert ANSWERS[kind]["StatusCode"] in STATUSES[ErrorCode(error["code"])]
    assert error["message"].endswith(".")


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_a_page_can_read_an_answer_of_api_gateway(kind: str) -> None:
    headers: dict[str, Any] = ANSWERS[kind]["ResponseParameters"]["Headers"]
    [condition, first, none] = headers["Access-Control-Allow-Origin"]["Fn::If"]
    assert condition == "HasOrigin"
    assert first["Fn::Sub"][1]["Origin"]["Fn::Select"] == [0, {"Fn::Split": [",", {"Ref": "AllowedOrigins"}]}]
    assert none == {"Ref": "AWS::NoValue"}, "a sandboxed frame has the origin null: it must not match"
    assert headers["Access-Control-Allow-Credentials"]["Fn::If"] == ["HasOrigin", "'true'", {"Ref": "AWS::NoValue"}]
    own = {name: value.strip("'") for name, value in headers.items() if name in SECURITY_HEADERS}
    assert own == SECURITY_HEADERS | {"Content-Security-Policy": "sandbox"}
    assert headers["X-Frame-Options"] == "'DENY'"


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_an_answer_that_asks_for_patience_says_how_much(kind: str) -> None:
    headers: dict[str, Any] = ANSWERS[kind]["ResponseParameters"]["Headers"]
    assert ("Retry-After" in headers) == (ANSWERS[kind]["StatusCode"] in {429, 503})


def test_every_answer_that_has_no_entry_of_its_own_has_a_default() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(ANSWERS)
