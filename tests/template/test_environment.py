"""Environment variables: the template declares exactly those that the settings read."""

from typing import Any

import pytest
from botocore.session import Session

from localcloud.overlay import adapt
from tests.template.parsed import FUNCTIONS, functions, mapped, template, variables
from videojobs import settings
from videojobs.settings import SET_BY_OVERLAY, Settings

SHARED = template()["Globals"]["Function"]["Environment"]["Variables"]
READ_FOR_LOGGING = {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "STACK_NAME"}
UNREAD = {"CONFIGURATION_DIGEST"}  # publishes a new version of a function whose parameters have changed
NO_SETTINGS = READ_FOR_LOGGING | UNREAD
SET_BY_LAMBDA = {"AWS_REGION"}
NOT_NEEDED = {  # fields of a shared class that this function never reads
    "callbacks": {"RENDER_QUEUE_URL", "HIGH_RENDER_QUEUE_URL"},
    "generate": {"RENDER_QUEUE_URL", "HIGH_RENDER_QUEUE_URL"},
    "jobs": {"RENDER_QUEUE_URL", "HIGH_RENDER_QUEUE_URL"},
    "worker": {"PRESIGNED_URL_SECONDS"},
    "render": {"CALLBACKS_URL", "PRESIGNED_URL_SECONDS"},
    "reconciler": {"CALLBACKS_URL", "PRESIGNED_URL_SECONDS"},
}


def _settings(name: str) -> type[Settings]:
    model: type[Settings] = getattr(
        settings, "DeploymentHooksSettings" if name == "indexes" else f"{name.capitalize()}Settings"
    )
    return model


@pytest.mark.parametrize("name", FUNCTIONS)
def test_declared_variables_and_settings_are_the_same(name: str) -> None:
    declared = {*variables(functions()[name]), *SHARED} - NO_SETTINGS
    read = {field.upper() for field in _settings(name).fields() if field not in SET_BY_OVERLAY} - SET_BY_LAMBDA
    assert declared == read - NOT_NEEDED.get(name, set())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_setting_without_a_variable_has_a_default(name: str) -> None:
    for variable in NOT_NEEDED.get(name, set()):
        assert hasattr(_settings(name), variable.lower())


def test_variable_has_the_same_value_in_every_function() -> None:
    values: dict[str, Any] = {}
    for name in FUNCTIONS:
        for variable, value in variables(functions()[name]).items():
            assert values.setdefault(variable, value) == value, f"{variable} of {name}"


def test_a_command_can_run_with_the_variables_of_render_instead_of_those_of_the_reconciler() -> None:
    assert set(variables(functions()["reconciler"])) <= set(variables(functions()["render"]))


def test_values_of_variables_are_strings() -> None:
    for name in FUNCTIONS:
        for variable, value in variables(functions()[name]).items():
            assert isinstance(mapped(value), str) or set(value) in ({"Ref"}, {"Fn::If"}), f"{variable} of {name}"


@pytest.mark.parametrize("limit", ["Default", "MinValue", "MaxValue"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_settings_accept_the_default_and_the_limits_of_every_parameter(name: str, limit: str) -> None:
    declared = {**SHARED, **variables(functions()[name])}
    values = {key: _value(value, limit) for key, value in declared.items() if key not in NO_SETTINGS}
    parsed = _settings(name)(values)
    assert parsed.mongodb_secret_arn


def _value(value: object, limit: str) -> str:
    value = mapped(value)
    if isinstance(value, str):
        return value
    assert isinstance(value, dict)
    if "Fn::If" in value:
        return "an-address"
    parameter = template()["Parameters"].get(value["Ref"], {})
    return str(parameter.get(limit, parameter.get("Default", "a-resource")))


def test_empty_endpoint_selects_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", SHARED["AWS_ENDPOINT_URL"])
    client = Session().create_client("sqs", region_name="eu-west-1")
    assert client.meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


def test_overlay_sets_the_settings_that_the_template_does_not_set() -> None:
    local = adapt(template(), "http://127.0.0.1:1", {})
    added = {
        variable.lower()
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for variable in local["Resources"][name]["Properties"]["Environment"]["Variables"].keys()
        - resource["Properties"]["Environment"]["Variables"].keys()
    }
    assert added == SET_BY_OVERLAY
    models = (_settings(name) for name in FUNCTIONS)
    assert {field for model in models for field in model.fields() if field in SET_BY_OVERLAY} == SET_BY_OVERLAY
