"""The logger, which writes one JSON line per event, and the metrics that its lines contain.

Powertools installs its handler on the logger named `videojobs`. The loggers of the package's modules propagate to it,
so services need only the standard library. Each line has the `trace_id` of the current trace. The line of an event
with a metric is also that metric, in CloudWatch's Embedded Metric Format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from aws_lambda_powertools.logging import Logger

from videojobs.domain.trace import current_trace
from videojobs.settings import stack_name

NAMESPACE = "VideoJobs"


class Metric(NamedTuple):
    """A CloudWatch metric of a log event: the value of `field`, or `constant` if `field` is empty.

    A line without the field has no metric. `by` maps the names of dimensions, in addition to the stack, to fields of
    the line. `also_in_all` adds the metric with the stack's dimension alone.
    """

    name: str
    unit: str
    field: str = ""
    by: Mapping[str, str] = {}
    also_in_all: bool = True
    constant: int = 1


METRICS: Mapping[str, tuple[Metric, ...]] = {
    "job_queued": (Metric("JobsAccepted", "Count"),),
    "batch_queued": (Metric("JobsAccepted", "Count", "jobs"),),
    "job_processing": (Metric("JobsStarted", "Count"), Metric("QueueWait", "Seconds", "queue_seconds")),
    "job_completed": (
        Metric("JobsCompleted", "Count"),
        Metric("ProcessingTime", "Seconds", "processing_seconds"),
        Metric("JobAttempts", "Count", "attempts"),
        Metric("ProviderCost", "None", "cost_usd", {"Provider": "provider"}),
    ),
    "job_failed": (
        Metric("JobsFailed", "Count", by={"Code": "code"}),
        Metric("JobAttempts", "Count", "attempts"),
    ),
    "job_cancelled": (Metric("JobsCancelled", "Count"), Metric("JobAttempts", "Count", "attempts")),
    "provider_called": (
        Metric(
            "ProviderLatency",
            "Milliseconds",
            "milliseconds",
            {"Provider": "provider", "Call": "call"},
            also_in_all=False,
        ),
        Metric("ProviderErrors", "Count", "errors", {"Provider": "provider"}),
    ),
    "swept": (
        Metric("OutboxAge", "Seconds", "outbox_seconds"),
        Metric("OldestQueuedAge", "Seconds", "oldest_queued_seconds"),
        # FILL in an alarm may not fill a metric without any data, as in a stack that has never completed a job.
        Metric("JobsCompleted", "Count", constant=0),
    ),
    "dead_letter_received": (Metric("DeadLetters", "Count", by={"Queue": "queue"}),),
}
"""The metrics of each log `action`; docs/reference/logs-and-metrics.md describes them."""


def _write(line: dict[str, Any]) -> str:
    trace = current_trace()
    if trace is not None:
        line["trace_id"] = trace.trace_id
    return json.dumps(line | _embed(line, METRICS.get(line.get("action", ""), ())), default=str)


def _embed(line: Mapping[str, Any], metrics: tuple[Metric, ...]) -> dict[str, Any]:
    """Return the members that make a log line a CloudWatch metric, with one directive per metric."""
    values: dict[str, Any] = {}
    directives: list[dict[str, Any]] = []
    for metric in metrics:
        value = line.get(metric.field) if metric.field else metric.constant
        if value is None:
            continue
        dimensions = {name: line[field] for name, field in metric.by.items() if field in line}
        sets = [["Stack"]] if metric.also_in_all or not dimensions else []
        if dimensions:
            sets.append(["Stack", *dimensions])
        counted = {"Name": metric.name, "Unit": metric.unit}
        directives.append({"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [counted]})
        values |= {metric.name: value, **dimensions}
    if not directives:
        return {}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}
    return {"_aws": about, "Stack": stack_name(), **values}


logger = Logger(service="videojobs", use_rfc3339=True, json_serializer=_write)
"""The logger, with the level `LOG_LEVEL`. Never log prompts, bodies, tokens, cookies, URIs or presigned URLs."""
