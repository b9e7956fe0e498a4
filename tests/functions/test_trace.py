"""Traces: the job, its messages and every log line of a request share its trace ID."""

import json
from typing import Any

import pytest

from videojobs.api.batch import process_batch
from videojobs.domain.trace import Trace, current_trace

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def trace_of(job: Any) -> str:
    """Return the trace ID of the job."""
    trace = Trace.read(job.traceparent)
    assert trace is not None
    return trace.trace_id


def test_the_job_and_the_log_lines_of_a_request_have_its_trace_id(sut):
    sut.post(REQUEST, headers={"traceparent": TRACEPARENT})
    (job,) = sut.jobs.all()
    assert trace_of(job) == TRACE_ID
    lines = [json.loads(line) for line in sut.log.getvalue().splitlines()]
    trace_ids = {line["action"]: line["trace_id"] for line in lines if "action" in line}
    assert trace_ids == {"job_queued": TRACE_ID, "request_answered": TRACE_ID}


def test_the_x_ray_trace_is_continued_if_there_is_no_traceparent(sut):
    sut.post(REQUEST, headers={"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"})
    assert trace_of(sut.jobs.all()[0]) == "5759e988bd862e3fe1be46a994272793"


def test_two_requests_have_different_traces(sut):
    sut.post(REQUEST, headers={"traceparent": TRACEPARENT})
    sut.post(REQUEST)
    assert len({trace_of(job) for job in sut.jobs.all()}) == 2


def test_all_jobs_of_a_batch_have_the_trace_id_of_its_request(sut):
    sut.post({"items": [REQUEST, REQUEST]}, path="/api/videos/batch", headers={"traceparent": TRACEPARENT})
    assert [trace_of(job) for job in sut.jobs.all()] == [TRACE_ID, TRACE_ID]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"messageAttributes": None},
        {"messageAttributes": {"traceparent": {"stringValue": "nonsense", "dataType": "String"}}},
        {"messageAttributes": {"traceparent": {"binaryValue": "AAAA", "dataType": "Binary"}}},
    ],
)
def test_a_message_without_a_valid_traceparent_starts_a_new_trace(attributes):
    trace_ids = deliver(
        attributes, {"messageAttributes": {"traceparent": {"stringValue": TRACEPARENT, "dataType": "String"}}}
    )
    assert trace_ids[0] != TRACE_ID
    assert trace_ids[1] == TRACE_ID


def deliver(*records: dict[str, Any]) -> list[str]:
    """Process the messages as Lambda delivers them, and return the trace ID during each of them."""
    body = json.dumps({"jobId": "0" * 24, "stepId": "a-step"})
    trace_ids: list[str] = []

    def look(_job_id: str, _step_id: str) -> None:
        trace = current_trace()
        assert trace is not None
        trace_ids.append(trace.trace_id)

    event = {"Records": [{"messageId": str(number), "body": body, **record} for number, record in enumerate(records)]}
    assert process_batch(event, look) == {"batchItemFailures": []}
    return trace_ids
