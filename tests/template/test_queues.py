"""Queues: settings that prevent lost messages and endless retries."""

from datetime import timedelta
from typing import Any

import pytest

from localcloud.overlay import CONCURRENCY
from tests.template.parsed import FUNCTIONS, events, functions, queue_of, resources, variables
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.domain.policy import StepPolicy
from videojobs.services.reconcile_jobs import GRACE
from videojobs_providers.rest.setup import SUBMIT_LIMIT_SECONDS

SOURCES = [(name, event) for name in FUNCTIONS for event in events(functions()[name], "SQS")]
QUEUES = resources("AWS::SQS::Queue")
DEAD_LETTER_QUEUES = {
    queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn")
    for queue in QUEUES.values()
    if "RedrivePolicy" in queue
}


@pytest.mark.parametrize(("name", "event"), SOURCES)
def test_a_message_stays_hidden_for_six_times_the_longest_run_of_its_function(name: str, event: dict[str, Any]) -> None:
    assert QUEUES[queue_of(event)]["VisibilityTimeout"] >= 6 * functions()[name]["Timeout"]


@pytest.mark.parametrize(("name", "event"), SOURCES)
def test_one_bad_message_of_a_batch_is_delivered_again_alone(name: str, event: dict[str, Any]) -> None:
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


@pytest.mark.parametrize("name", ["notifier", "render", "webhooks", "worker"])
def test_a_queue_has_a_bound_on_how_many_run_at_once(name: str) -> None:
    for event in events(functions()[name], "SQS"):
        assert event["BatchSize"] == 1
        assert event["ScalingConfig"]["MaximumConcurrency"] in (
            {"Ref": f"{name.capitalize()}Concurrency"},
            {"Fn::FindInMap": ["Release", "Concurrency", ("High" if is_high(event) else "") + name.capitalize()]},
        )
        assert queue_of(event) in CONCURRENCY
    assert "ReservedConcurrentExecutions" not in functions()[name]


def test_the_dead_letters_after_an_outage_do_not_use_up_the_concurrency_of_the_account() -> None:
    for event in events(functions()["reconciler"], "SQS"):
        assert event["ScalingConfig"] == {"MaximumConcurrency": 2}


def is_high(event: dict[str, Any]) -> bool:
    """Return whether an event source reads a queue for high priority."""
    return queue_of(event).startswith("High")


def test_each_priority_has_its_own_queues_with_the_same_settings() -> None:
    readers: dict[str, set[str]] = {}
    for name, event in SOURCES:
        if name in {"worker", "render", "reconciler"}:
            readers.setdefault(queue_of(event), set()).add(name)
    normal = {queue for queue in readers if not queue.startswith("High")}
    assert {"JobsQueue", "RenderQueue"} < normal
    assert {f"High{queue}" for queue in normal} == set(readers) - normal
    for queue in normal:
        assert readers[queue] == readers[f"High{queue}"]
        assert _settings_of(queue, prefix="High") == _settings_of(f"High{queue}")


def _settings_of(queue: str, prefix: str = "") -> dict[str, Any]:
    """Return a queue's properties, with `prefix` before the name of its dead-letter queue."""
    properties = dict(QUEUES[queue])
    if "RedrivePolicy" in properties:
        target = prefix + properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
        properties["RedrivePolicy"] = {**properties["RedrivePolicy"], "deadLetterTargetArn": target}
    return properties


@pytest.mark.parametrize("name", FUNCTIONS)
def test_variable_of_a_queue_has_the_name_of_the_queue(name: str) -> None:
    for variable, value in variables(functions()[name]).items():
        if variable.endswith("_QUEUE_URL"):
            assert value == {"Ref": variable.removesuffix("_URL").title().replace("_", "")}


def test_every_queue_that_is_worked_on_has_a_dead_letter_queue_of_its_own() -> None:
    sources = {queue_of(event) for _, event in SOURCES} - DEAD_LETTER_QUEUES
    targets = [QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"] for name in sources]
    assert len(set(targets)) == len(sources) > 0
    assert all(QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] >= 5 for name in sources)


def test_dead_letters_are_kept_as_long_as_sqs_can() -> None:
    assert DEAD_LETTER_QUEUES
    assert all(QUEUES[name]["MessageRetentionPeriod"] == 14 * 24 * 3600 for name in DEAD_LETTER_QUEUES)


def test_dead_letters_of_every_queue_of_steps_reach_the_reconciler() -> None:
    steps = {queue_of(event) for name, event in SOURCES if name in {"render", "worker"}}
    targets = {QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"] for name in steps}
    assert {f"{queue_of(event)}.Arn" for name, event in SOURCES if name == "reconciler"} == targets


def test_an_outage_of_an_hour_leaves_nothing_in_dead_letter_queues_that_no_function_reads() -> None:
    read = {queue_of(event) for _, event in SOURCES}
    redriven = {name: queue["RedrivePolicy"] for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
    unread = [
        name
        for name, policy in redriven.items()
        if policy["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn") not in read
    ]
    assert sorted(unread) == ["EventsQueue", "WebhooksQueue"]
    for name in unread:
        assert QUEUES[name]["VisibilityTimeout"] * redriven[name]["maxReceiveCount"] >= 3600, name


def test_queues_are_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())


def test_a_function_in_a_loop_of_queues_is_not_cut_off_by_recursion_detection() -> None:
    fed_by = {queue_of(event): name for name, event in SOURCES}
    sends_to = {name: {fed_by[queue] for queue in _sent_queues(name) if queue in fed_by} for name in FUNCTIONS}
    looping = {name for name in FUNCTIONS if name in _reached(sends_to, name)}
    assert looping == {"worker", "render", "webhooks"}
    assert {name for name in FUNCTIONS if functions()[name].get("RecursiveLoop") == "Allow"} == looping


def _sent_queues(name: str) -> list[str]:
    return [value["Ref"] for key, value in variables(functions()[name]).items() if key.endswith("_QUEUE_URL")]


def _reached(sends_to: dict[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    ahead = set(sends_to[start])
    while ahead:
        reached |= ahead
        ahead = {target for name in ahead for target in sends_to[name]} - reached
    return reached


def test_the_worker_has_time_for_the_longest_submit_and_the_writes_around_it() -> None:
    writes = 2 * MongoConnection.TIMEOUT_MS / 1000  # the intent and the ref
    assert SUBMIT_LIMIT_SECONDS + writes < functions()["worker"]["Timeout"]


def test_a_step_whose_worker_was_killed_is_sent_again_within_ninety_seconds() -> None:
    leases = {variables(functions()[name]).get("LEASE_SECONDS") for name in FUNCTIONS} - {None}
    assert leases == {f"{StepPolicy().lease_duration.total_seconds():g}"}
    [schedule] = events(functions()["reconciler"], "Schedule")
    assert schedule["Schedule"] == "rate(1 minute)"
    assert StepPolicy().lease_duration + timedelta(minutes=1) < timedelta(seconds=90)
    assert StepPolicy().lease_duration >= GRACE
