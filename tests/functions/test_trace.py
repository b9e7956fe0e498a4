"""Whatever comes of a request tells its story: the job, its messages, and every line that is logged."""

import json
from typing import Any

import pytest

from videojobs.api.batch import process_batch
from videojobs.domain.trace import Trace, current_trace

REQUEST = {"prompt": "A paper boat", "style": "calm", "duration": 8, "aspectRatio": "16:9"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TOLD = f"00-{TRACE}-00f067aa0ba902b7-01"


def trace_of(job: Any) -> str:
    """The id of the story that a job belongs to."""
    trace = Trace.read(job.traceparent)
    assert trace is not None
    return trace.trace_id


def test_a_job_belongs_to_the_story_of_its_request_and_so_does_what_is_logged(sut):
    sut.post(REQUEST, headers={"traceparent": TOLD})
    (job,) = sut.jobs.all()
    assert trace_of(job) == TRACE
    lines = [json.loads(line) for line in sut.log.getvalue().splitlines()]
    told = {line["action"]: line["trace_id"] for line in lines if "action" in line}
    assert told == {"job_queued": TRACE, "request_answered": TRACE}


def test_without_one_it_is_the_story_that_x_ray_knows(sut):
    sut.post(REQUEST, headers={"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"})
    assert trace_of(sut.jobs.all()[0]) == "5759e988bd862e3fe1be46a994272793"


def test_two_requests_are_two_stories(sut):
    sut.post(REQUEST, headers={"traceparent": TOLD})
    sut.post(REQUEST)
    assert len({trace_of(job) for job in sut.jobs.all()}) == 2


def test_all_jobs_of_a_batch_belong_to_its_story(sut):
    sut.post({"items": [REQUEST, REQUEST]}, path="/api/videos/batch", headers={"traceparent": TOLD})
    assert [trace_of(job) for job in sut.jobs.all()] == [TRACE, TRACE]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"messageAttributes": None},
        {"messageAttributes": {"traceparent": {"stringValue": "nonsense", "dataType": "String"}}},
        {"messageAttributes": {"traceparent": {"binaryValue": "AAAA", "dataType": "Binary"}}},
    ],
)
def test_a_message_that_tells_none_begins_one(attributes):
    seen = deliver(attributes, {"messageAttributes": {"traceparent": {"stringValue": TOLD, "dataType": "String"}}})
    assert seen[0] != TRACE
    assert seen[1] == TRACE


def deliver(*records: dict[str, Any]) -> list[str]:
    """Hand messages over as Lambda does; the story in which each was worked on."""
    body = json.dumps({"jobId": "0" * 24, "stepId": "a-step"})
    seen: list[str] = []

    def look(_job_id: str, _step_id: str) -> None:
        trace = current_trace()
        assert trace is not None
        seen.append(trace.trace_id)

    event = {"Records": [{"messageId": str(number), "body": body, **each} for number, each in enumerate(records)]}
    assert process_batch(event, look) == {"batchItemFailures": []}
    return seen
