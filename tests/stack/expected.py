"""template.yaml with everything put in that a deployment decides: its parameters, and the names of what it made.

SAM's own resolver does it; it is told of each resource what `!Ref` and `!GetAtt` of its ARN are.
"""

import copy
from typing import Any

from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import IntrinsicResolver
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable

from tests.stack.deployed import Deployed
from tests.template.parsed import template

ANY = "whatever its function says"
_NOTHING = "AWS::NoValue"
_LISTS = {"CommaDelimitedList", "List<Number>"}


class Expected:
    """The template's resources as they should have become in one environment."""

    def __init__(self, deployed: Deployed) -> None:
        """A parameter that the deployed stack does not know has its default."""
        written = _with_long_attributes(copy.deepcopy(dict(template())))
        written["Conditions"] = _with_text(written["Conditions"])
        self.parameters = {
            name: deployed.described.parameters.get(name, str(it.get("Default", "")))
            for name, it in written["Parameters"].items()
        }
        told: dict[str, Any] = {
            name: value.split(",") if written["Parameters"][name]["Type"] in _LISTS else value
            for name, value in self.parameters.items()
        }
        told |= {
            "AWS::StackName": deployed.stack_name,
            "AWS::Region": deployed.region,
            "AWS::AccountId": deployed.account,
            "AWS::Partition": deployed.partition,
            "AWS::URLSuffix": "amazonaws.com.cn" if deployed.partition == "aws-cn" else "amazonaws.com",
            _NOTHING: _NOTHING,
        }
        for it in deployed.resources.values():
            told[it.name] = {"Ref": it.id, "Arn": deployed.arn_of(it), "QueueName": it.id.rsplit("/", 1)[-1]}
        told["Configuration"] = {"Digest": ANY}
        self._resources = written["Resources"]
        self._shared = written["Globals"]["Function"]
        self._resolver = IntrinsicResolver(written, IntrinsicsSymbolTable(written, told))

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties by its logical id; a function's with those of all functions."""
        written = self._resources[name]
        properties = written.get("Properties", {})
        if written["Type"] == "AWS::Serverless::Function":
            ignored = self._resources[name].get("IgnoreGlobals", ())
            properties = _merge({key: it for key, it in self._shared.items() if key not in ignored}, properties)
        found: dict[str, Any] = _without_nothing(self._resolver.intrinsic_property_resolver(properties, False))
        return found

    def resolve(self, value: Any) -> Any:
        """Any other piece of the template."""
        return _without_nothing(self._resolver.intrinsic_property_resolver(_with_long_attributes(value), False))

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template does."""
        return bool(self.resolve({"Fn::If": [condition, "yes", "no"]}) == "yes")

    def names(self, kind: str) -> list[str]:
        """The logical ids of a type's resources whose condition holds."""
        return [
            name
            for name, it in self._resources.items()
            if it["Type"] == kind and ("Condition" not in it or self.holds(it["Condition"]))
        ]


def _merge(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    variables = shared.get("Environment", {}).get("Variables", {}) | own.get("Environment", {}).get("Variables", {})
    layers = [*shared["Layers"], *own.get("Layers", [])]
    return {**shared, **own, "Environment": {"Variables": variables}, "Layers": layers}


def _with_long_attributes(value: Any) -> Any:
    """`{"Fn::GetAtt": "Queue.Arn"}` as the resolver wants it: a list of two."""
    if isinstance(value, list):
        return [_with_long_attributes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
    return {key: _with_long_attributes(each) for key, each in value.items()}


def _with_text(value: Any) -> Any:
    """Numbers as text: CloudFormation compares parameters as such."""
    if isinstance(value, list):
        return [_with_text(each) for each in value]
    if isinstance(value, dict):
        return {
            key: [int(each[0]), _with_text(each[1])] if key == "Fn::Select" else _with_text(each)
            for key, each in value.items()
        }
    return str(value) if isinstance(value, int) else value


def _without_nothing(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nothing(each) for each in value if each != _NOTHING]
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each != _NOTHING}
    return value
