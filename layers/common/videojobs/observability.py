"""The only maker of the Logger: one JSON line per event, for the services' `logging.getLogger(__name__)` too.

Powertools puts its handler and formatter on the logger of this package's name; the loggers of its modules propagate to
it, so that services need nothing but the standard library. A line belongs to a story (`trace_id`), and the line of an
event that is counted is its metric as well, in CloudWatch's Embedded Metric Format:
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
    """What CloudWatch counts of a log event: the value of `field`, 1 where it is empty; nothing where that is absent.

    `by`: further dimensions, as names with the fields that hold their values, beside the stack's. `also_in_all`: the
    same without them.
    """

    name: str
    unit: str
    field: str = ""
    by: Mapping[str, str] = {}
    also_in_all: bool = True


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
    ),
    "dead_letter_received": (Metric("DeadLetters", "Count", by={"Queue": "queue"}),),
}
"""By the `action` of a log event; docs/observability.md says what each means."""


def _write(line: dict[str, Any]) -> str:
    trace = current_trace()
    if trace is not None:
        line["trace_id"] = trace.trace_id
    return json.dumps(line | _embed(line, METRICS.get(line.get("action", ""), ())), default=str)


def _embed(line: Mapping[str, Any], metrics: tuple[Metric, ...]) -> dict[str, Any]:
    """The members that make a log line one of CloudWatch's metrics, one directive for each set of dimensions."""
    values: dict[str, Any] = {}
    directives: list[dict[str, Any]] = []
    for metric in metrics:
        value = line.get(metric.field) if metric.field else 1
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
"""Level from `LOG_LEVEL`. Never log a prompt, a body, a token, a cookie, a URI or a presigned URL."""
