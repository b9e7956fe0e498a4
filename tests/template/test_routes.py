"""Routes: they are those of the OpenAPI document, and API Gateway's own responses have the API's error format."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import samtranslator.model.apigateway

from tests.template.parsed import FUNCTIONS, ROOT, events, functions, resources, template
from tests.template.translated import Resources, of_type, references, translate
from videojobs.api.errors import STATUS_OF
from videojobs.api.resolver import EXPOSED_HEADERS, SECURITY_HEADERS
from videojobs.domain.errors import ErrorCode

[API] = resources("AWS::Serverless::Api").values()
RESPONSES = API["GatewayResponses"]
STATUSES = {kind.code: {status for error, status in STATUS_OF.items() if error.code is kind.code} for kind in STATUS_OF}


def _routes() -> Iterator[tuple[str, str, str]]:
    for name in FUNCTIONS:
        for event in events(functions()[name], "Api"):
            assert event["RestApiId"] == {"Ref": "Api"}
            yield event["Path"], event["Method"].lower(), name


def test_routes_are_those_of_the_openapi_document() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    documented = {(path, method) for path, methods in document["paths"].items() for method in methods}
    documented = {
        (path, method) for path, method in documented if method in {"get", "head", "post", "put", "patch", "delete"}
    }
    assert {(path, method) for path, method, _ in _routes() if method != "options"} == documented


def test_preflight_request_of_every_path_reaches_the_same_function() -> None:
    routed = list(_routes())
    for path, _, _ in routed:
        assert [function for route, method, function in routed if (route, method) == (path, "options")], path


def test_request_bodies_reach_the_functions_as_bytes() -> None:
    # Otherwise API Gateway replaces invalid UTF-8, and signatures of callbacks are computed over other bytes.
    [api] = of_type(translate(), "AWS::ApiGateway::RestApi").values()
    assert api["Properties"]["BinaryMediaTypes"] == ["*/*"]
    assert api["Properties"]["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_function_timeout_is_below_the_timeout_of_api_gateway() -> None:
    assert all(functions()[name]["Timeout"] < 29 for _, _, name in _routes())


def test_execute_api_endpoint_is_disabled_with_a_custom_domain() -> None:
    assert API["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasDomain", True, False]}
    assert template()["Resources"]["ApiDomainMapping"]["Condition"] == "HasDomain"


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_gateway_response_has_the_error_envelope(kind: str) -> None:
    body = json.loads(RESPONSES[kind]["ResponseTemplates"]["application/json"])
    assert set(body) == {"success", "error", "requestId"}
    assert body["success"] is False
    assert body["requestId"] == "$context.requestId"
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"] == []


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_gateway_response_has_a_status_of_its_error_code_and_a_message(kind: str) -> None:
    error = json.loads(RESPONSES[kind]["ResponseTemplates"]["application/json"])["error"]
    assert RESPONSES[kind]["StatusCode"] in STATUSES[ErrorCode(error["code"])]
    assert error["message"].endswith(".")


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_gateway_response_has_cors_and_security_headers(kind: str) -> None:
    headers: dict[str, Any] = RESPONSES[kind]["ResponseParameters"]["Headers"]
    [condition, first, none] = headers["Access-Control-Allow-Origin"]["Fn::If"]
    assert condition == "HasOrigin"
    assert first["Fn::Sub"][1]["Origin"]["Fn::Select"] == [0, {"Fn::Split": [",", {"Ref": "AllowedOrigins"}]}]
    assert none == {"Ref": "AWS::NoValue"}, "a sandboxed frame has the origin null, which must not match"
    assert headers["Access-Control-Allow-Credentials"]["Fn::If"] == ["HasOrigin", "'true'", {"Ref": "AWS::NoValue"}]
    own = {name: value.strip("'") for name, value in headers.items() if name in SECURITY_HEADERS}
    assert own == SECURITY_HEADERS | {"Content-Security-Policy": "sandbox"}
    assert headers["X-Frame-Options"] == "'DENY'"
    assert headers["Access-Control-Expose-Headers"] == f"'{EXPOSED_HEADERS}'"


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_gateway_response_with_429_or_503_has_retry_after(kind: str) -> None:
    headers: dict[str, Any] = RESPONSES[kind]["ResponseParameters"]["Headers"]
    assert ("Retry-After" in headers) == (RESPONSES[kind]["StatusCode"] in {429, 503})


@pytest.mark.parametrize("kind", ["INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"])
def test_failed_call_of_a_function_is_unavailable_and_can_be_retried(kind: str) -> None:
    assert RESPONSES[kind]["StatusCode"] == 503
    assert json.loads(RESPONSES[kind]["ResponseTemplates"]["application/json"])["error"]["code"] == "UNAVAILABLE"
    assert RESPONSES["DEFAULT_5XX"]["StatusCode"] == 500


def test_other_gateway_responses_have_a_default() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(RESPONSES)


@pytest.fixture
def deployments(monkeypatch: pytest.MonkeyPatch) -> list[Resources]:
    """Return the resources of two deployments of the same template, a minute apart."""

    def translate_at(seconds: int) -> Resources:
        monkeypatch.setattr(samtranslator.model.apigateway, "time", SimpleNamespace(time=lambda: seconds))
        return translate()

    return [translate_at(seconds) for seconds in (1_800_000_000, 1_800_000_060)]


def test_every_deployment_publishes_the_api(deployments: list[Resources]) -> None:
    # Otherwise a change of a parameter, such as DomainName or AllowedOrigins, does not reach the stage.
    [before], [after] = (of_type(deployment, "AWS::ApiGateway::Deployment") for deployment in deployments)
    assert before != after
    for name, deployment in ((before, deployments[0]), (after, deployments[1])):
        [stage] = of_type(deployment, "AWS::ApiGateway::Stage").values()
        assert stage["Properties"]["DeploymentId"] == {"Ref": name}


def test_api_is_published_after_its_body_has_changed(deployments: list[Resources]) -> None:
    [published] = of_type(deployments[0], "AWS::ApiGateway::Deployment").values()
    assert "Api" in references(published["Properties"])
    body = deployments[0]["Api"]["Properties"]["Body"]
    assert set(body["x-amazon-apigateway-gateway-responses"]) == set(RESPONSES)


@pytest.mark.parametrize(
    ("resource", "required"),
    [
        ("ApiDomainMapping", "AWS::ApiGateway::Stage"),
        ("WebAclAssociation", "AWS::ApiGateway::Stage"),
        ("WebSocketDomainMapping", "AWS::ApiGatewayV2::Stage"),
    ],
)
def test_resource_of_a_stage_is_created_after_the_stage(
    deployments: list[Resources], resource: str, required: str
) -> None:
    [stage] = of_type(deployments[0], required)
    assert stage in references(deployments[0][resource]["Properties"])


def test_stages_that_log_are_created_after_the_log_group(deployments: list[Resources]) -> None:
    for kind in ("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"):
        [stage] = of_type(deployments[0], kind).values()
        assert "AccessLogGroup" in references(stage["Properties"])
