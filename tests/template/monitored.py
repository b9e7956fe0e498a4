"""Metrics of the alarms and of the dashboard, and whether each of them exists."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.template.parsed import resources, template
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


def alarms() -> dict[str, dict[str, Any]]:
    """Return the properties of all alarms, including composite alarms, by logical ID."""
    return resources("AWS::CloudWatch::Alarm") | resources("AWS::CloudWatch::CompositeAlarm")


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
