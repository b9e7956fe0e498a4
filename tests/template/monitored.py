"""Metrics of the alarms and of the dashboard, and whether each of them exists."""

import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from samcli.lib.cfn_language_extensions import process_template

from localcloud.template import read_dashboard
from tests.template.parsed import ROOT, mapped, resources, template
from videojobs.domain.errors import FailureCode
from videojobs.observability import METRICS, NAMESPACE


def _logged() -> dict[str, set[tuple[str, ...]]]:
    dimensions: dict[str, set[tuple[str, ...]]] = {}
    for metric in itertools.chain.from_iterable(METRICS.values()):
        sets = dimensions.setdefault(metric.name, set())
        sets |= {tuple(metric.by)} | ({()} if metric.also_in_all else set())
    return dimensions


OURS = _logged()
"""Sets of dimensions, without `Stack`, of each metric that the functions log, by metric name."""

AWS_METRICS = {
    ("AWS/ApiGateway", ("ApiName", "Stage")): {"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"},
    ("AWS/ApiGateway", ("ApiId", "Stage")): {"ConnectCount", "MessageCount", "ClientError", "ExecutionError"},
    ("AWS/Lambda", ()): {"Throttles"},
    ("AWS/Lambda", ("FunctionName",)): {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"},
    ("AWS/SQS", ("QueueName",)): {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
        "NumberOfMessagesReceived",
    },
}
"""Metrics of AWS by namespace and dimensions, from the documentation of each service."""

STACK = "${AWS::StackName}"
ALARM, COMPOSITE_ALARM = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
ALARM_KINDS = frozenset({ALARM, COMPOSITE_ALARM})
SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>VideoJobs,Stack,[\w,]+)\} MetricName="(?P<name>\w+)" """
    r"""Stack="(?P<stack>[^"]+)"', '\w+', \d+\)$"""
)


@dataclass(frozen=True, slots=True)
class Metric:
    """Metric with the values of its dimensions, as in an `Fn::Sub`."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


@cache
def monitoring() -> dict[str, dict[str, Any]]:
    """Return the resources of the nested stack and the alarms of the root stack, by logical ID.

    SAM expands `Fn::ForEach`. A reference to a resource or parameter of the root stack is text: `${Name}`.
    """
    root = {key: copy.deepcopy(template()[key]) for key in ("Parameters", "Mappings")}
    root["Resources"] = {
        name: copy.deepcopy(resource)
        for name, resource in template()["Resources"].items()
        if name == "Monitoring" or resource["Type"] in ALARM_KINDS
    }
    own = process_template(root, {name: f"${{{name}}}" for name in root["Parameters"]})["Resources"]
    nested = copy.deepcopy(dict(template("monitoring")))
    expanded = process_template(nested, nested_parameters())["Resources"]
    assert not set(own) & set(expanded)
    return {name: _with_numbers(resource) for name, resource in (own | expanded).items()}


@cache
def nested_parameters() -> dict[str, str]:
    """Return the parameters of the nested stack as text, with `${Name}` for a reference to the root stack."""
    given = template()["Resources"]["Monitoring"]["Properties"]["Parameters"]
    return {name: _text(mapped(value)) for name, value in given.items()}


@cache
def dashboard() -> dict[str, Any]:
    """Return the body of the dashboard with the parameters of the nested stack."""
    return _replaced(read_dashboard(ROOT / "infrastructure" / "dashboard.yaml"))


def _replaced(part: Any) -> Any:
    if isinstance(part, list):
        return [_replaced(item) for item in part]
    if isinstance(part, dict):
        return {key: _replaced(value) for key, value in part.items()}
    if isinstance(part, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: nested_parameters()[match[1]], part)
    return part


def _with_numbers(part: Any) -> Any:
    """Convert the text of a number, as in `Mappings`, to a number where CloudWatch requires one."""
    if isinstance(part, list):
        return [_with_numbers(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: float(value)
        if key in {"Period", "Threshold"} and re.fullmatch(r"[\d.]+", str(value))
        else _with_numbers(value)
        for key, value in part.items()
    }


def alarms(kind: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the properties of the alarms of both stacks by logical ID: those of a type, or all."""
    kinds = {kind} if kind else ALARM_KINDS
    return {name: resource["Properties"] for name, resource in monitoring().items() if resource["Type"] in kinds}


def metrics_of(alarm: Mapping[str, Any]) -> dict[str, Metric]:
    """Return the metrics of an alarm by ID. An alarm with a single metric has the ID `m`."""
    if "Metrics" not in alarm:
        return {"m": _read(alarm)} if "MetricName" in alarm else {}
    return {entry["Id"]: _read(entry["MetricStat"]["Metric"]) for entry in alarm["Metrics"] if "MetricStat" in entry}


def metrics_shown(widget: Mapping[str, Any]) -> Iterator[tuple[Metric, dict[str, Any]]]:
    """Yield a widget's metrics with their options. A search yields the metric that it searches for."""
    for entry in widget["properties"].get("metrics", ()):
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        if "expression" not in options:
            texts = [item for item in entry if isinstance(item, str)]
            yield Metric(texts[0], texts[1], dict(zip(texts[2::2], texts[3::2], strict=True))), options
        elif match := SEARCH.match(options["expression"]):
            namespace, _, *names = match["schema"].split(",")
            dimensions = {"Stack": match["stack"]} | {name: f"${{{name}}}" for name in names}
            yield Metric(namespace, match["name"], dimensions), options


def _read(metric: Mapping[str, Any]) -> Metric:
    dimensions = {dimension["Name"]: _text(dimension["Value"]) for dimension in metric.get("Dimensions", ())}
    return Metric(_text(metric["Namespace"]), metric["MetricName"], dimensions)


def _text(value: str | Mapping[str, str]) -> str:
    """Return a `Ref` or `Fn::GetAtt` as the placeholder that `Fn::Sub` has for it; return a text unchanged."""
    if isinstance(value, str):
        return value
    [name] = value.values()
    return f"${{{name}}}"


def complaints(metric: Metric) -> Iterator[str]:
    """Yield a message for each problem: the metric does not exist, or not with these dimensions."""
    dimensions = dict(metric.dimensions)
    if metric.namespace == NAMESPACE:
        if dimensions.pop("Stack", None) != STACK:
            yield "belongs to another stack"
        if tuple(dimensions) not in OURS.get(metric.name, set()):
            yield f"is not logged with the dimensions {list(dimensions)}"
        if dimensions.get("Code", FailureCode.TIMEOUT) not in set(FailureCode):
            yield f"unknown failure code {dimensions['Code']}"
    elif metric.namespace == STACK:
        filters = resources("AWS::Logs::MetricFilter").values()
        if metric.name not in {entry["MetricTransformations"][0]["MetricName"] for entry in filters}:
            yield "is not counted by a metric filter"
    elif metric.name not in AWS_METRICS.get((metric.namespace, tuple(dimensions)), set()):
        yield f"is not measured by AWS with the dimensions {list(dimensions)}"
    else:
        yield from (f"has no {name} {value}" for name, value in dimensions.items() if not _names(name, value))


def _names(dimension: str, value: str) -> bool:
    """Return whether the value is the name or ID of a resource of the dimension's type in the template."""
    if dimension == "ApiName":
        return value == template()["Resources"]["Api"]["Properties"]["Name"]["Fn::Sub"]
    types = {
        "FunctionName": ("AWS::Serverless::Function", ""),
        "QueueName": ("AWS::SQS::Queue", ".QueueName"),
        "ApiId": ("AWS::Serverless::WebSocketApi", ""),
        "Stage": (None, "Environment"),
    }
    kind, attribute = types[dimension]
    if kind is None:
        return value == f"${{{attribute}}}"
    return value in {f"${{{logical}{attribute}}}" for logical in resources(kind)}


def anchor(heading: str) -> str:
    """Return the anchor that GitHub generates for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
