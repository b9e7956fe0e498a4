"""What alarms and the dashboard measure: each metric with its dimensions, and whether there is such a metric."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.template.parsed import resources, template
from videojobs.domain.errors import FailureCode
from videojobs.observability import METRICS, NAMESPACE


def _logged() -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for metric in itertools.chain.from_iterable(METRICS.values()):
        sets = found.setdefault(metric.name, set())
        sets |= {tuple(metric.by)} | ({()} if metric.also_in_all else set())
    return found


OURS = _logged()
"""Our own metrics, and the dimensions that each has beside `Stack`."""

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
"""AWS's, by namespace and dimensions, as its documentation of each service lists them."""

STACK = "${AWS::StackName}"
SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>VideoJobs,Stack,[\w,]+)\} MetricName="(?P<name>\w+)" """
    r"""Stack="(?P<stack>[^"]+)"', '\w+', \d+\)$"""
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; the values of its dimensions as `Fn::Sub` writes them."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]


def alarms() -> dict[str, dict[str, Any]]:
    """All alarms' properties, by logical id; composite ones too."""
    return resources("AWS::CloudWatch::Alarm") | resources("AWS::CloudWatch::CompositeAlarm")


def metrics_of(alarm: Mapping[str, Any]) -> dict[str, Metric]:
    """An alarm's metrics, by their ids; that of a plain one is `m`."""
    if "Metrics" not in alarm:
        return {"m": _read(alarm)} if "MetricName" in alarm else {}
    return {each["Id"]: _read(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each}


def metrics_shown(widget: Mapping[str, Any]) -> Iterator[tuple[Metric, dict[str, Any]]]:
    """A widget's metrics with their options; of a search, what it searches."""
    for entry in widget["properties"].get("metrics", ()):
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        if "expression" not in options:
            named = [each for each in entry if isinstance(each, str)]
            yield Metric(named[0], named[1], dict(zip(named[2::2], named[3::2], strict=True))), options
        elif found := SEARCH.match(options["expression"]):
            namespace, _, *others = found["schema"].split(",")
            about = {"Stack": found["stack"]} | {name: f"${{{name}}}" for name in others}
            yield Metric(namespace, found["name"], about), options


def _read(metric: Mapping[str, Any]) -> Metric:
    dimensions = {each["Name"]: _text(each["Value"]) for each in metric.get("Dimensions", ())}
    return Metric(_text(metric["Namespace"]), metric["MetricName"], dimensions)


def _text(value: str | Mapping[str, str]) -> str:
    """What `Ref` and `Fn::GetAtt` give, as `Fn::Sub` would name it."""
    if isinstance(value, str):
        return value
    [name] = value.values()
    return f"${{{name}}}"


def complaints(metric: Metric) -> Iterator[str]:
    """What is wrong with it: nobody measures it, or not of that."""
    about = dict(metric.dimensions)
    if metric.namespace == NAMESPACE:
        if about.pop("Stack", None) != STACK:
            yield "it is not this stack's"
        if tuple(about) not in OURS.get(metric.name, set()):
            yield f"nobody logs it by {list(about)}"
        if about.get("Code", FailureCode.TIMEOUT) not in set(FailureCode):
            yield f"no job fails with {about['Code']}"
    elif metric.namespace == STACK:
        filters = resources("AWS::Logs::MetricFilter").values()
        if metric.name not in {each["MetricTransformations"][0]["MetricName"] for each in filters}:
            yield "no metric filter counts it"
    elif metric.name not in AWS_METRICS.get((metric.namespace, tuple(about)), set()):
        yield f"AWS does not measure it by {list(about)}"
    else:
        yield from (f"{name} is not {value}" for name, value in about.items() if not _names(name, value))


def _names(dimension: str, value: str) -> bool:
    """Whether the value is what the dimension wants: the name or the id of a resource that is in the template."""
    if dimension == "ApiName":
        return value == template()["Resources"]["Api"]["Properties"]["Name"]["Fn::Sub"]
    wanted = {
        "FunctionName": ("AWS::Serverless::Function", ""),
        "QueueName": ("AWS::SQS::Queue", ".QueueName"),
        "ApiId": ("AWS::Serverless::WebSocketApi", ""),
        "Stage": (None, "Environment"),
    }
    kind, attribute = wanted[dimension]
    if kind is None:
        return value == f"${{{attribute}}}"
    return value in {f"${{{logical}{attribute}}}" for logical in resources(kind)}


def anchor(heading: str) -> str:
    """What a heading's link ends in, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
