"""template.yaml with the parameters and resource names of one deployment filled in.

SAM's resolver of intrinsic functions does this, with the values of `!Ref` and `!GetAtt` of every resource.
"""

import copy
import re
from typing import Any

from samcli.lib.intrinsic_resolver.intrinsic_property_resolver import IntrinsicResolver
from samcli.lib.intrinsic_resolver.intrinsics_symbol_table import IntrinsicsSymbolTable

from localcloud.overlay import adapt
from tests.stack.deployed import Deployed
from tests.template.parsed import template

ANY = "any value that its function returns"
_NOTHING = "AWS::NoValue"
_LISTS = {"CommaDelimitedList", "List<Number>"}


class Expected:
    """The template's resources as they should be in one environment."""

    def __init__(self, deployed: Deployed) -> None:
        """Resolve the template; a parameter that the deployed stack does not have keeps its default.

        For the local system, resolve the template with the changes of localcloud/overlay.py.
        """
        changed = adapt(template(), deployed.endpoint_url or "", {}) if deployed.is_local else dict(template())
        written = with_resolvable_functions(copy.deepcopy(changed))
        written["Conditions"] = _with_text(written["Conditions"])
        self.parameters = {
            name: deployed.described.parameters.get(name, str(it.get("Default", "")))
            for name, it in written["Parameters"].items()
        }
        symbols: dict[str, Any] = {
            name: value.split(",") if written["Parameters"][name]["Type"] in _LISTS else value
            for name, value in self.parameters.items()
        }
        symbols |= {
            "AWS::StackName": deployed.stack_name,
            "AWS::Region": deployed.region,
            "AWS::AccountId": deployed.account,
            "AWS::Partition": deployed.partition,
            "AWS::URLSuffix": "amazonaws.com.cn" if deployed.partition == "aws-cn" else "amazonaws.com",
            _NOTHING: _NOTHING,
        }
        for it in deployed.resources.values():
            symbols[it.name] = {"Ref": it.id, "Arn": deployed.arn_of(it), "QueueName": it.id.rsplit("/", 1)[-1]}
        symbols["Configuration"] = {"Digest": ANY}
        self._resources = written["Resources"]
        self._shared = written["Globals"]["Function"]
        self._resolver = IntrinsicResolver(written, IntrinsicsSymbolTable(written, symbols))

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of a resource by logical ID; for a function, including the `Globals`."""
        written = self._resources[name]
        properties = written.get("Properties", {})
        if written["Type"] == "AWS::Serverless::Function":
            ignored = self._resources[name].get("IgnoreGlobals", ())
            properties = _merge({key: it for key, it in self._shared.items() if key not in ignored}, properties)
        resolved: dict[str, Any] = without_nothing(self._resolver.intrinsic_property_resolver(properties, False))
        return resolved

    def resolve(self, value: Any) -> Any:
        """Return any other part of the template with its intrinsic functions resolved."""
        return without_nothing(self._resolver.intrinsic_property_resolver(with_resolvable_functions(value), False))

    def mapped(self, *keys: str) -> str:
        """Return a value of the template's `Mappings`, given the names of the map, its group and its key."""
        return str(self.resolve({"Fn::FindInMap": list(keys)}))

    def holds(self, condition: str) -> bool:
        """Return True if a condition of the template holds."""
        return bool(self.resolve({"Fn::If": [condition, "yes", "no"]}) == "yes")

    def names(self, kind: str) -> list[str]:
        """Return the logical IDs of the resources of a type whose conditions hold."""
        return [
            name
            for name, it in self._resources.items()
            if it["Type"] == kind and ("Condition" not in it or self.holds(it["Condition"]))
        ]


def gateway_headers(expected: Expected, kind: str) -> dict[str, str]:
    """Return the headers of a response that API Gateway itself generates, such as `THROTTLED`."""
    response = expected.properties("Api")["GatewayResponses"][kind]
    return {name: value.strip("'") for name, value in response["ResponseParameters"]["Headers"].items()}


def _merge(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    variables = shared.get("Environment", {}).get("Variables", {}) | own.get("Environment", {}).get("Variables", {})
    layers = [*shared["Layers"], *own.get("Layers", [])]
    return {**shared, **own, "Environment": {"Variables": variables}, "Layers": layers}


def with_resolvable_functions(value: Any) -> Any:
    """Convert intrinsic functions to forms that the resolver supports.

    `{"Fn::GetAtt": "Queue.Arn"}` becomes a list of two. An `Fn::Sub` with variables becomes an `Fn::Join`, because the
    resolver leaves the dollar sign of such a variable in the text.
    """
    if isinstance(value, list):
        return [with_resolvable_functions(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
    if isinstance(value.get("Fn::Sub"), list):
        text, variables = value["Fn::Sub"]
        parts = re.split(rf"\$\{{({'|'.join(map(re.escape, variables))})\}}", text)
        values = [variables[it] if position % 2 else {"Fn::Sub": it} for position, it in enumerate(parts) if it]
        return {"Fn::Join": ["", with_resolvable_functions(values)]}
    return {key: with_resolvable_functions(item) for key, item in value.items()}


def _with_text(value: Any) -> Any:
    """Convert numbers to text, as CloudFormation compares parameters as text."""
    if isinstance(value, list):
        return [_with_text(item) for item in value]
    if isinstance(value, dict):
        return {
            key: [int(item[0]), _with_text(item[1])] if key == "Fn::Select" else _with_text(item)
            for key, item in value.items()
        }
    return str(value) if isinstance(value, int) else value


def without_nothing(value: Any) -> Any:
    if isinstance(value, list):
        return [without_nothing(item) for item in value if item != _NOTHING]
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item != _NOTHING}
    return value
