"""Log lines: each is one JSON object with the trace ID; counted events are also CloudWatch metrics."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import jsonschema
import pytest

from videojobs.domain.trace import begin_trace, current_trace
from videojobs.observability import METRICS, NAMESPACE, logger

# The schema of a line, from the specification in its version of 2026-11:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": NAME,
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "array", "maxItems": 30, "items": NAME | {"maxLength": 250}},
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {
                                        "Name": NAME,
                                        "Unit": {"enum": ["Count", "Seconds", "Milliseconds", "None"]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}

type Write = Callable[..., dict[str, Any]]


@pytest.fixture
def write() -> Iterator[Write]:
    """Yield a function that logs an event as a service does, and returns the line that is written."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logger.registered_formatter)
    logging.getLogger("videojobs").addHandler(handler)

    def write_event(action: str, **fields: object) -> dict[str, Any]:
        logging.getLogger("videojobs.services.any").info("Something", extra={"action": action, **fields})
        line: dict[str, Any] = json.loads(written.getvalue().splitlines()[-1])
        return line

    yield write_event
    logging.getLogger("videojobs").removeHandler(handler)


def counted(line: dict[str, Any]) -> dict[str, tuple[object, list[list[str]]]]:
    """Return the metrics of a line by name: the value, and the lists of dimensions."""
    jsonschema.validate(line, SCHEMA)
    directives = line["_aws"]["CloudWatchMetrics"]
    assert {directive["Namespace"] for directive in directives} == {NAMESPACE}
    for directive in directives:
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in dimensions)
    return {
        metric["Name"]: (line[metric["Name"]], directive["Dimensions"])
        for directive in directives
        for metric in directive["Metrics"]
    }


def test_a_line_contains_the_id_of_the_current_trace(write: Write) -> None:
    before = current_trace()
    trace = begin_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    line = write("step_claimed", job_id="a-job")
    assert (line["trace_id"], line["job_id"]) == (trace.trace_id, "a-job")
    assert "_aws" not in line
    begin_trace(before.traceparent if before else None)


def test_a_completed_job_is_counted_with_its_duration_attempts_and_cost(write: Write) -> None:
    line = write("job_completed", processing_seconds=12.5, attempts=2, cost_usd=0.96, provider="runway")
    assert counted(line) == {
        "JobsCompleted": (1, [["Stack"]]),
        "ProcessingTime": (12.5, [["Stack"]]),
        "JobAttempts": (2, [["Stack"]]),
        "ProviderCost": (0.96, [["Stack"], ["Stack", "Provider"]]),
    }
    assert (line["Stack"], line["Provider"]) == ("videojobs", "runway")


def test_a_missing_value_is_not_counted(write: Write) -> None:
    assert set(counted(write("job_completed", attempts=1))) == {"JobsCompleted", "JobAttempts"}
    assert "ProviderErrors" not in counted(write("provider_called", provider="fal", call="poll", milliseconds=31))


def test_failures_are_counted_by_their_code(write: Write) -> None:
    line = write("job_failed", code="timeout", attempts=3)
    assert counted(line)["JobsFailed"] == (1, [["Stack"], ["Stack", "Code"]])
    assert line["Code"] == "timeout"


def test_a_sweep_adds_no_completed_job_to_a_metric_that_then_always_has_data(write: Write) -> None:
    assert counted(write("swept", outbox_seconds=0, oldest_queued_seconds=7)) == {
        "OutboxAge": (0, [["Stack"]]),
        "OldestQueuedAge": (7, [["Stack"]]),
        "JobsCompleted": (0, [["Stack"]]),
    }


def test_the_latency_of_a_provider_is_measured_per_call(write: Write) -> None:
    line = write("provider_called", provider="fal", call="submit", milliseconds=412, errors=1)
    assert counted(line) == {
        "ProviderLatency": (412, [["Stack", "Provider", "Call"]]),
        "ProviderErrors": (1, [["Stack"], ["Stack", "Provider"]]),
    }


@pytest.mark.parametrize("action", METRICS)
def test_every_counted_event_makes_a_valid_line(write: Write, action: str) -> None:
    fields = {metric.field: 3 for metric in METRICS[action] if metric.field}
    fields |= {field: "a-name" for metric in METRICS[action] for field in metric.by.values()}
    assert set(counted(write(action, **fields))) == {metric.name for metric in METRICS[action]}
