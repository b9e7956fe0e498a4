"""Measures: what a run's logs and queues tell, as CloudWatch would have measured it."""

import json
from datetime import UTC, datetime

import pytest

from localcloud.measures import API, Measures, Metric, Sample, at_once, read_line, read_look, summarise
from localcloud.watch import JobsLook, Look, QueueLook

WORKER = {"FunctionName": "${WorkerFunction}"}
AT = 1_800_000_000.0


def test_a_report_is_a_call_that_took_its_time() -> None:
    line = "REPORT RequestId: 9c1\tDuration: 250.5 ms\tBilled Duration: 251 ms\tMemory Size: 512 MB"
    measures = Measures(read_line("worker", line, AT, "videojobs"))
    for name, value in (("Invocations", 1.0), ("Duration", 250.5)):
        assert measures.statistic(Metric.of("AWS/Lambda", name, WORKER), "Sum", AT, AT + 1) == value


def test_calls_at_once_are_counted_from_their_begins_and_ends() -> None:
    lines = [f"REPORT RequestId: {n}\tDuration: {milliseconds} ms" for n, milliseconds in enumerate((3000, 1000))]
    calls = [*read_line("worker", lines[0], AT + 3, "videojobs"), *read_line("worker", lines[1], AT + 2, "videojobs")]
    found = [(each.at - AT, each.value) for each in at_once(calls)]
    assert found == [(0, 1), (1, 2), (2, 1), (3, 0)]


def test_embedded_metrics_count_once_for_each_set_of_dimensions() -> None:
    record = {
        "_aws": {
            "Timestamp": AT * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "VideoJobs",
                    "Dimensions": [["Stack"], ["Stack", "Code"]],
                    "Metrics": [{"Name": "JobsFailed", "Unit": "Count"}],
                }
            ],
        },
        "Stack": "videojobs",
        "Code": "timeout",
        "JobsFailed": [1, 1],
    }
    measures = Measures(read_line("worker", json.dumps(record), AT + 9, "videojobs"))
    stack = {"Stack": "${AWS::StackName}"}
    for about in (stack, stack | {"Code": "timeout"}):
        assert measures.statistic(Metric.of("VideoJobs", "JobsFailed", about), "Sum", AT, AT + 1) == 2
    assert measures.search("VideoJobs", "JobsFailed", ["Stack", "Code"]) == [
        Metric.of("VideoJobs", "JobsFailed", stack | {"Code": "timeout"})
    ]


@pytest.mark.parametrize(("status", "client_errors", "server_errors"), [(201, 0, 0), (404, 1, 0), (503, 0, 1)])
def test_an_answer_is_a_call_of_the_api(status: int, client_errors: int, server_errors: int) -> None:
    line = json.dumps({"action": "request_answered", "status": status, "message": "Request answered"})
    measures = Measures(read_line("status", line, AT, "videojobs"))
    expected = {"Count": 1, "4XXError": client_errors, "5XXError": server_errors}
    for name, value in expected.items():
        assert measures.statistic(Metric.of("AWS/ApiGateway", name, API), "Sum", AT, AT + 1) == value


@pytest.mark.parametrize("line", ["START RequestId: 9c1", "no JSON {", "[1]", '{"action": "job_queued"}'])
def test_other_lines_measure_nothing(line: str) -> None:
    assert list(read_line("worker", line, AT, "videojobs")) == []


def test_a_look_at_a_queue_is_what_sqs_measures() -> None:
    queue = QueueLook("highJobs", waiting=3, in_flight=2, delayed=1, oldest_seconds=40)
    look = Look(datetime.fromtimestamp(AT, UTC), JobsLook({}, None, 0, 0, 0), [queue], [])
    about = {"QueueName": "${HighJobsQueue.QueueName}"}
    found = {each.metric: each.value for each in read_look(look)}
    assert found == {
        Metric.of("AWS/SQS", "ApproximateNumberOfMessagesVisible", about): 3,
        Metric.of("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", about): 2,
        Metric.of("AWS/SQS", "ApproximateNumberOfMessagesDelayed", about): 1,
        Metric.of("AWS/SQS", "ApproximateAgeOfOldestMessage", about): 40,
    }


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("Sum", 10),
        ("SampleCount", 4),
        ("Average", 2.5),
        ("Minimum", 1),
        ("Maximum", 4),
        ("p50", 2),
        ("p99", 4),
        ("PR(:3)", 75),
    ],
)
def test_a_statistic_is_cloudwatch_s(stat: str, expected: float) -> None:
    assert summarise([4, 1, 3, 2], stat) == expected


def test_of_nothing_there_is_no_statistic_and_of_others_none_is_known() -> None:
    assert summarise([], "Sum") is None
    with pytest.raises(ValueError, match="TM"):
        summarise([1], "TM(2%:98%)")


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    metric = Metric.of("VideoJobs", "JobsCompleted", {})
    measures = Measures(Sample(metric, AT + second, 1) for second in (0, 59, 60))
    assert measures.statistic(metric, "Sum", AT, AT + 60) == 2
