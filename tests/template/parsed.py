"""template.yaml as data, with the questions that the tests ask of it."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.template import read_template

ROOT = Path(__file__).parents[2]


@cache
def template() -> Mapping[str, Any]:
    """The whole template."""
    return read_template(ROOT / "template.yaml")


def resources(kind: str) -> dict[str, Any]:
    """The properties of every resource of a type, by logical id."""
    found = {name: it for name, it in template()["Resources"].items() if it["Type"] == kind}
    assert found, f"no {kind} in the template"
    return {name: it.get("Properties", {}) for name, it in found.items()}


def functions() -> dict[str, Any]:
    """Return the functions' properties by name: the logical ID in lower case without its ending `Function`."""
    return {name.removesuffix("Function").lower(): it for name, it in resources(FUNCTION).items()}


FUNCTION = "AWS::Serverless::Function"
FUNCTIONS = sorted(functions())


def variables(function: Mapping[str, Any]) -> dict[str, Any]:
    """A function's own environment, without what all share."""
    return dict(function["Environment"]["Variables"])


def events(function: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The properties of a function's events of a type."""
    return [event["Properties"] for event in function.get("Events", {}).values() if event["Type"] == kind]


def queue_of(event: Mapping[str, Any]) -> str:
    """The logical id of the queue that an event source reads."""
    return str(event["Queue"]["Fn::GetAtt"]).removesuffix(".Arn")


def statements(function: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The policy statements of a function's own role."""
    role = resources("AWS::IAM::Role")[str(function["Role"]["Fn::GetAtt"]).removesuffix(".Arn")]
    return [without_condition(each) for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def without_condition(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement as it is where its condition of the template holds."""
    return dict(statement["Fn::If"][1]) if "Fn::If" in statement else statement


def as_list(value: object) -> list[Any]:
    """One or many, as IAM lets it be written."""
    return value if isinstance(value, list) else [value]


def all_statements() -> Iterator[dict[str, Any]]:
    """Every statement that allows a function something, those behind a condition too."""
    for function in functions().values():
        yield from statements(function)
    for policy in resources("AWS::IAM::ManagedPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield without_condition(statement)
