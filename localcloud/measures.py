"""What CloudWatch would have measured of a run of the local system: from its logs, and from looks at its queues.

The local AWS takes metrics and gives none back. Our own are read where the functions log them (EMF), Lambda's from its
REPORT lines, API Gateway's from what the functions say that they answered. Names are those of the dashboard's body
before CloudFormation fills it in (`${WorkerFunction}`), so that definition and values meet.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.stack import Stack
from localcloud.watch import Look

STACK = "${AWS::StackName}"
API = {"ApiName": STACK, "Stage": "${Environment}"}
_REPORT = re.compile(r"REPORT RequestId: \S+\s+Duration: (?P<milliseconds>[\d.]+) ms")
_PERCENTILE = re.compile(r"p(?P<rank>[\d.]+)$")
_SHARE = re.compile(r"PR\(:(?P<most>[\d.]+)\)$")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of CloudWatch's."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, about: Mapping[str, str]) -> Self:
        """With its dimensions by name."""
        return cls(namespace, name, frozenset(about.items()))


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric, at a time in seconds since 1970."""

    metric: Metric
    at: float
    value: float


class Measures:
    """Samples by metric, to be asked as CloudWatch is: for a statistic of a period."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        """Of these samples, in any order."""
        self._samples: dict[Metric, list[Sample]] = {}
        for each in samples:
            self._samples.setdefault(each.metric, []).append(each)

    def statistic(self, metric: Metric, stat: str, since: float, until: float) -> float | None:
        """The statistic of what was measured in that time; None where nothing was.

        Raises:
            ValueError: there is no such statistic here.
        """
        found = self._samples.get(metric, [])
        return summarise([each.value for each in found if since <= each.at < until], stat)

    def search(self, namespace: str, name: str, dimensions: Iterable[str]) -> list[Metric]:
        """Every metric of that name that has just these dimensions, as `SEARCH` finds them."""
        wanted = set(dimensions)
        found = [each for each in self._samples if (each.namespace, each.name) == (namespace, name)]
        return sorted(
            (each for each in found if {key for key, _ in each.dimensions} == wanted),
            key=lambda each: sorted(each.dimensions),
        )


def summarise(values: Sequence[float], stat: str) -> float | None:
    """A statistic as CloudWatch names it: Sum, SampleCount, Average, Minimum, Maximum, p99, PR(:60).

    Raises:
        ValueError: it is none of these.
    """
    if not values:
        return None
    plain = {
        "Sum": math.fsum(values),
        "SampleCount": float(len(values)),
        "Average": math.fsum(values) / len(values),
        "Minimum": min(values),
        "Maximum": max(values),
    }
    if stat in plain:
        return plain[stat]
    if found := _PERCENTILE.match(stat):
        return sorted(values)[max(math.ceil(float(found["rank"]) / 100 * len(values)) - 1, 0)]
    if found := _SHARE.match(stat):
        return 100 * sum(value <= float(found["most"]) for value in values) / len(values)
    raise ValueError(f"no statistic that is known here: {stat}")


def read_logs(config: CloudConfig, stack: Stack, since: float) -> Iterator[Sample]:
    """What the functions' logs tell since a time, their streams' REPORT lines included."""
    client = open_session(config).client("logs", endpoint_url=stack.aws_endpoint_url)
    prefix = f"/videojobs/{stack.stack_name}/"
    for group in client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        name = group["logGroupName"]
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=int(since * 1000))
        for page in pages:
            for event in page["events"]:
                yield from read_line(
                    name.removeprefix(prefix), event["message"], event["timestamp"] / 1000, stack.stack_name
                )


def read_line(function: str, line: str, at: float, stack_name: str) -> Iterator[Sample]:
    """What one line of a function's log tells; `at` is when the platform stored it, at the call's end."""
    if found := _REPORT.match(line):
        about = {"FunctionName": f"${{{function.capitalize()}Function}}"}
        milliseconds = float(found["milliseconds"])
        yield Sample(Metric.of("AWS/Lambda", "Invocations", about), at, 1)
        yield Sample(Metric.of("AWS/Lambda", "Duration", about), at, milliseconds)
        yield from _held(about, at - milliseconds / 1000, at)
        return
    try:
        record = json.loads(line)
    except ValueError:
        return
    if isinstance(record, dict) and "_aws" in record:
        yield from _read_metrics(record, stack_name)
    elif isinstance(record, dict) and record.get("action") == "request_answered":
        status = int(record["status"])
        yield Sample(Metric.of("AWS/ApiGateway", "Count", API), at, 1)
        yield Sample(Metric.of("AWS/ApiGateway", "4XXError", API), at, float(400 <= status < 500))
        yield Sample(Metric.of("AWS/ApiGateway", "5XXError", API), at, float(status >= 500))


def _read_metrics(record: Mapping[str, Any], stack_name: str) -> Iterator[Sample]:
    """Embedded metrics, once for each set of dimensions.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    at = record["_aws"]["Timestamp"] / 1000
    for directive in record["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            about = {name: STACK if record[name] == stack_name else str(record[name]) for name in names}
            for metric in directive["Metrics"]:
                values = record[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Sample(Metric.of(directive["Namespace"], metric["Name"], about), at, float(value))


def _held(about: Mapping[str, str], begun: float, ended: float) -> Iterator[Sample]:
    """A worker in use, from a call's begin to its end: +1 and -1, which `at_once` adds up."""
    yield Sample(Metric.of("local", "Held", about), begun, 1)
    yield Sample(Metric.of("local", "Held", about), ended, -1)


def at_once(samples: Iterable[Sample]) -> Iterator[Sample]:
    """`ConcurrentExecutions` of each function, from its calls' begins and ends."""
    running: Counter[frozenset[tuple[str, str]]] = Counter()
    held = [each for each in samples if each.metric.name == "Held"]
    for each in sorted(held, key=lambda each: (each.at, each.value)):
        about = each.metric.dimensions
        running[about] += int(each.value)
        yield Sample(Metric("AWS/Lambda", "ConcurrentExecutions", about), each.at, running[about])


def read_look(look: Look) -> Iterator[Sample]:
    """What a look at the queues would be in SQS's metrics."""
    at = look.at.timestamp()
    for queue in look.queues:
        about = {"QueueName": f"${{{queue.name[0].upper()}{queue.name[1:]}Queue.QueueName}}"}
        yield Sample(Metric.of("AWS/SQS", "ApproximateNumberOfMessagesVisible", about), at, queue.waiting)
        yield Sample(Metric.of("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", about), at, queue.in_flight)
        yield Sample(Metric.of("AWS/SQS", "ApproximateNumberOfMessagesDelayed", about), at, queue.delayed)
        yield Sample(Metric.of("AWS/SQS", "ApproximateAgeOfOldestMessage", about), at, queue.oldest_seconds or 0.0)
