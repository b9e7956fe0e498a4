"""Conditions of the templates: each can be true and can be false in a deployment to AWS."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from tests.template.parsed import template

TEMPLATES = ["template", "monitoring", "studio", "account", "github"]
CONDITIONS = [(name, condition) for name in TEMPLATES for condition in template(name).get("Conditions", {})]
ON_AWS = {
    "AWS::AccountId": ["123456789012"],
    "AWS::Partition": ["aws", "aws-cn", "aws-us-gov"],
    "AWS::Region": ["us-east-1", "eu-central-1"],
}
EXAMPLES = {
    "AlarmEmail": ["", "team@example.com"],
    "AllowedOrigins": ["", "https://app.example.com"],
    "ApiSecretName": ["", "videojobs-dev/studio"],
    "BedrockModelArn": ["", "arn:aws:bedrock:us-west-2::foundation-model/luma.ray-v2:0"],
    "DailyBudget": ["0", "50"],
    "DomainName": ["", "api.example.com"],
    "HostedZoneId": ["", "Z0123456789ABCDEFGHIJ"],
    "OidcProviderArn": ["", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"],
    "ProviderSecretArn": ["", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-AbCdEf"],
    "SecretArns": ["", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mongo-AbCdEf"],
    "SubnetIds": ["", "subnet-1,subnet-2"],
    "VideoVersionDays": ["0", "7"],
    "WafRequestsPerFiveMinutes": ["0", "2000"],
    "WebSocketDomainName": ["", "live.example.com"],
    "WebhookSecretArn": ["", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhooks-AbCdEf"],
}
"""Values of the parameters that have no list of allowed values."""


def read_values(parameters: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """Return values that a parameter or pseudo parameter can have in a deployment to AWS."""
    if name in ON_AWS:
        return ON_AWS[name]
    pattern = parameters[name].get("AllowedPattern", ".*")
    values: list[str] = parameters[name].get("AllowedValues") or EXAMPLES[name]
    return [value for value in values if re.fullmatch(pattern, value)]


def find_parameters(part: Any, conditions: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the parameters that a condition depends on, also through other conditions."""
    match part:
        case {"Ref": name}:
            yield name
        case {"Condition": name}:
            yield from find_parameters(conditions[name], conditions)
        case dict():
            yield from find_parameters(list(part.values()), conditions)
        case list():
            for item in part:
                yield from find_parameters(item, conditions)


def holds(part: Any, parsed: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Return True if a condition, or a part of it, is true for these values of the parameters.

    Raises:
        ValueError: If it has an intrinsic function that this test does not know.
    """
    match part:
        case {"Condition": name}:
            return holds(parsed["Conditions"][name], parsed, values)
        case {"Fn::Not": [negated]}:
            return not holds(negated, parsed, values)
        case {"Fn::And": parts}:
            return all(holds(item, parsed, values) for item in parts)
        case {"Fn::Or": parts}:
            return any(holds(item, parsed, values) for item in parts)
        case {"Fn::Equals": [left, right]}:
            return read_text(left, parsed, values) == read_text(right, parsed, values)
    raise ValueError(part)


def read_text(part: Any, parsed: Mapping[str, Any], values: Mapping[str, str]) -> str:
    """Return a text that a condition compares. A list is its items, separated by commas."""
    match part:
        case {"Ref": name}:
            return values[name]
        case {"Fn::Select": [index, items]}:
            return read_text(items, parsed, values).split(",")[int(index)]
        case {"Fn::FindInMap": [name, *keys]}:
            group, key = (read_text(it, parsed, values) for it in keys)
            return str(parsed["Mappings"][name][group][key])
        case str() | int():
            return str(part)
    raise ValueError(part)


def outcomes(parsed: Mapping[str, Any], condition: str) -> set[bool]:
    """Return the values that a condition has in deployments to AWS."""
    expression, parameters = parsed["Conditions"][condition], parsed.get("Parameters", {})
    names = sorted(set(find_parameters(expression, parsed["Conditions"])))
    combinations = product(*(read_values(parameters, name) for name in names))
    return {holds(expression, parsed, dict(zip(names, values, strict=True))) for values in combinations}


def with_boundary(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template as a pipeline deploys it, which sets `Boundary` in `Mappings` (docs/guides/ci-cd.md)."""
    environments = {name: {**values, "Boundary": "true"} for name, values in parsed["Mappings"]["Environments"].items()}
    return {**parsed, "Mappings": {**parsed["Mappings"], "Environments": environments}}


@pytest.mark.parametrize(("name", "condition"), CONDITIONS)
def test_condition_is_true_in_some_deployments_to_aws_and_false_in_others(name: str, condition: str) -> None:
    parsed = template(name)
    found = outcomes(parsed, condition)
    if name == "template":
        found |= outcomes(with_boundary(parsed), condition)
    assert found == {True, False}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Fn::Equals": [{"Ref": "Environment"}, "another"]}, {False}),
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "Environment"}, "another"]}]}, {True}),
        ({"Fn::Equals": [{"Ref": "AWS::AccountId"}, "000000000000"]}, {False}),
        ({"Fn::And": [{"Condition": "HasDomain"}, {"Fn::Not": [{"Condition": "HasDomain"}]}]}, {False}),
        ({"Fn::Or": [{"Condition": "HasDomain"}, {"Condition": "HasHostedZone"}]}, {True, False}),
        ({"Fn::Equals": [{"Ref": "Environment"}, "prod"]}, {True, False}),
    ],
)
def test_outcomes_are_those_of_the_allowed_values(expression: dict[str, Any], expected: set[bool]) -> None:
    parsed = {**template(), "Conditions": {**template()["Conditions"], "Tested": expression}}
    assert outcomes(parsed, "Tested") == expected
