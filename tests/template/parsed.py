"""The parsed templates, with the queries of the tests."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.template import read_template

ROOT = Path(__file__).parents[2]


@cache
def template(name: str = "template") -> Mapping[str, Any]:
    """Return the whole template: template.yaml, or one of the folder `infrastructure`."""
    return read_template(ROOT / "template.yaml" if name == "template" else ROOT / "infrastructure" / f"{name}.yaml")


def resources(kind: str, name: str = "template") -> dict[str, Any]:
    """Return the properties of every resource of a type in a template, by logical ID.

    Raises:
        AssertionError: If the template has no resource of the type.
    """
    matching = {
        logical_id: resource
        for logical_id, resource in template(name)["Resources"].items()
        if isinstance(resource, dict) and resource["Type"] == kind
    }
    assert matching, f"The template has no {kind}"
    return {logical_id: resource.get("Properties", {}) for logical_id, resource in matching.items()}


def functions() -> dict[str, Any]:
    """Return the functions' properties by name: the logical ID in lower case without its ending `Function`."""
    return {name.removesuffix("Function").lower(): function for name, function in resources(FUNCTION).items()}


FUNCTION = "AWS::Serverless::Function"
FUNCTIONS = sorted(functions())


def variables(function: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment variables of a function, without those that all functions share."""
    return dict(function["Environment"]["Variables"])


def mapped(value: Any) -> Any:
    """Return the value that an `Fn::FindInMap` with constant keys refers to; return any other value unchanged."""
    if isinstance(value, dict) and "Fn::FindInMap" in value:
        name, group, key = value["Fn::FindInMap"]
        return template()["Mappings"][name][group][key]
    return value


def events(function: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the properties of a function's events of a type."""
    return [event["Properties"] for event in function.get("Events", {}).values() if event["Type"] == kind]


def queue_of(event: Mapping[str, Any]) -> str:
    """Return the logical ID of the queue that an event source reads."""
    return str(event["Queue"]["Fn::GetAtt"]).removesuffix(".Arn")


def statements(function: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the policy statements of a function's own role."""
    role = resources("AWS::IAM::Role")[str(function["Role"]["Fn::GetAtt"]).removesuffix(".Arn")]
    return [
        without_condition(statement)
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def without_condition(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement for the case that its template condition is true."""
    return dict(statement["Fn::If"][1]) if "Fn::If" in statement else statement


def as_list(value: object) -> list[Any]:
    """Return a list unchanged and any other value as a list of one, because IAM accepts both forms."""
    return value if isinstance(value, list) else [value]


def all_statements() -> Iterator[dict[str, Any]]:
    """Yield every policy statement that applies to a function, including those with a template condition."""
    for function in functions().values():
        yield from statements(function)
    for policy in resources("AWS::IAM::ManagedPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield without_condition(statement)
