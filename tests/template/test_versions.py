"""Versions and the alias: whatever changes is published, and everything calls what is live."""

from typing import Any

import pytest

from tests.template.parsed import FUNCTION, resources, template, variables
from tests.template.translated import Resources, of_type, references, translate

CALLED = sorted(set(resources(FUNCTION)) - {"IndexesFunction"})  # CloudFormation calls that one, and wants the newest
DEPLOYED = translate()
CONFIGURATION = {
    name: value
    for name, value in DEPLOYED["Configuration"]["Properties"].items()
    if name not in {"ServiceToken", "ServiceTimeout"}
}


def versions(deployed: Resources = DEPLOYED) -> dict[str, str]:
    """Each function's version, as the template names it: another name, another version."""
    found = of_type(deployed, "AWS::Lambda::Version")
    return {each["Properties"]["FunctionName"]["Ref"]: name for name, each in found.items()}


@pytest.mark.parametrize("function", CALLED)
def test_a_function_has_a_version_that_its_alias_names(function: str) -> None:
    version = versions()[function]
    alias = of_type(DEPLOYED, "AWS::Lambda::Alias")[f"{function}Aliaslive"]["Properties"]
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Integration",
        "AWS::Events::Rule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
    ],
)
def test_whatever_calls_a_function_calls_its_alias(kind: str) -> None:
    callers = of_type(DEPLOYED, kind)
    assert callers
    for name, caller in callers.items():
        meant = references(caller["Properties"])
        assert not meant & set(CALLED), f"{name} calls what is not yet live"
        assert meant & {f"{function}Aliaslive" for function in CALLED}, name


def test_the_code_is_in_layers_and_a_new_layer_is_a_new_version_of_those_that_use_it() -> None:
    before, uses = versions(), {name: references(of_type(DEPLOYED, "AWS::Lambda::Function")[name]) for name in CALLED}
    for layer in resources("AWS::Serverless::LayerVersion"):
        after = versions(translate({layer: "other-code"}))
        users = {name for name in CALLED if any(each.startswith(layer) for each in uses[name])}
        assert users, f"nobody uses {layer}"
        assert {name for name in CALLED if before[name] != after[name]} == users


def test_a_function_that_changes_is_a_new_version_of_it_alone() -> None:
    before, after = versions(), versions(translate({"StatusFunction": "other-code"}))
    assert {name for name in CALLED if before[name] != after[name]} == {"StatusFunction"}


def test_a_parameter_that_changes_is_a_new_version() -> None:
    digest = {"Fn::GetAtt": ["Configuration", "Digest"]}
    for function, version in versions().items():
        # CloudFormation replaces a version whose description changes, and Lambda refuses one of an unchanged function.
        assert DEPLOYED[version]["Properties"]["Description"] == digest
        assert variables(DEPLOYED[function]["Properties"])["CONFIGURATION_DIGEST"] == digest
        assert _parameters_of(function) <= set(CONFIGURATION), function
    used = set().union(*map(_parameters_of, CALLED))
    assert set(CONFIGURATION) == used | {"SecretsRevision"}, "a parameter that no function gets makes no version"
    assert all(value == {"Ref": name} for name, value in CONFIGURATION.items())


def test_indexes_are_made_before_any_function_changes() -> None:
    assert DEPLOYED["Configuration"]["DependsOn"] == ["MongoIndexes", "JwtSecret"]
    assert not references(DEPLOYED["MongoIndexes"]["Properties"]) & set(CALLED)
    assert all("Configuration" in references(DEPLOYED[function]["Properties"]) for function in CALLED)


@pytest.mark.parametrize("resource", ["MongoIndexes", "JwtSecret", "Configuration"])
def test_another_revision_of_the_secrets_updates_what_depends_on_their_values(resource: str) -> None:
    """CloudFormation updates a custom resource when one of its properties has changed, and it can't see a value."""
    assert DEPLOYED[resource]["Properties"]["SecretsRevision"] == {"Ref": "SecretsRevision"}


def _parameters_of(function: str) -> set[str]:
    """Those that a deployed function depends on, by the conditions of what it has as well."""
    found, seen = [dict(DEPLOYED[function]["Properties"])], set()
    while found:
        part = found.pop()
        seen |= references(part)
        found += [template()["Conditions"][name] for name in _conditions(part)]
    return seen & set(template()["Parameters"])


def _conditions(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_conditions, value))
    if not isinstance(value, dict):
        return set()
    named = {value["Condition"]} if isinstance(value.get("Condition"), str) else set()
    named |= {value["Fn::If"][0]} if "Fn::If" in value else set()
    return named.union(*map(_conditions, value.values()))


def test_a_second_deployment_of_the_same_publishes_nothing() -> None:
    assert versions() == versions(translate())


def test_a_version_goes_when_its_successor_has_all_traffic() -> None:
    kept = {name: each.get("DeletionPolicy") for name, each in of_type(DEPLOYED, "AWS::Lambda::Version").items()}
    assert set(kept.values()) == {"Delete"}
    assert template()["Globals"]["Function"]["VersionDeletionPolicy"] == "Delete"
