"""What commands see and do at AWS itself, where the functions have no port for it: logs, and the depth of queues."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from ops.system import System

_PAGE = 10
"""What SQS gives at once."""


class LogLine(NamedTuple):
    """What a function logged; a line that is no JSON has its text under `message`."""

    at: datetime
    function: str
    record: Mapping[str, Any]


class QueueDepth(NamedTuple):
    """How many messages lie in a queue, about."""

    name: str
    visible: int
    in_hand: int
    delayed: int


class Cloud(Protocol):
    """AWS, as commands need it."""

    def read_queues(self) -> list[QueueDepth]:
        """Every queue of the stack, by the name of its output."""
        ...

    def redrive(self, queue: str, limit: int) -> int:
        """Move so many dead letters at most back to the queue of that name; how many it were.

        At least once: a crash in between leaves a message in both. Attributes and group go along.
        """
        ...

    def caller(self) -> str:
        """Who gives the commands: an ARN."""
        ...

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """All lines of all functions since then that hold a term, in order of time."""
        ...


class AwsCloud:
    """See `Cloud`; by boto3, at the stack's own log groups and queues."""

    def __init__(self, system: System) -> None:
        """Nothing is called yet."""
        self._system = system

    def caller(self) -> str:
        """By `sts:GetCallerIdentity`, which needs no permission."""
        return str(self._system.client("sts").get_caller_identity()["Arn"])

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """By `logs:FilterLogEvents` over each group `/videojobs/STACK/*`, for a quoted term."""
        client, prefix = self._system.client("logs"), f"/videojobs/{self._system.stack_name}/"
        groups = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        lines = []
        for group in (each["logGroupName"] for page in groups for each in page["logGroups"]):
            wanted = {"filterPattern": f'"{term}"', "startTime": max(int(since.timestamp() * 1000), 0)}
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, **wanted)
            name = group.removeprefix(prefix)
            lines += [_read_line(name, event) for page in pages for event in page["events"]]
        return sorted(lines, key=lambda line: line.at)

    def read_queues(self) -> list[QueueDepth]:
        """By `sqs:GetQueueAttributes`."""
        client, names = self._system.client("sqs"), ("", "NotVisible", "Delayed")
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        depths = []
        for output, url in sorted(self._system.outputs.items()):
            if output.endswith("QueueUrl"):
                told = client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
                depths.append(QueueDepth(output.removesuffix("Url"), *(int(told[name]) for name in wanted)))
        return depths

    def redrive(self, queue: str, limit: int) -> int:
        """By `sqs:ReceiveMessage`, `SendMessage`, `DeleteMessage`: receive, send, and only then delete."""
        client, outputs = self._system.client("sqs"), self._system.outputs
        dead_letters, home = outputs[f"{queue}DeadLetterQueueUrl"], outputs[f"{queue}QueueUrl"]
        asked = {"AttributeNames": ["MessageGroupId"], "MessageAttributeNames": ["All"], "VisibilityTimeout": 60}
        moved = 0
        while moved < limit:
            most = min(_PAGE, limit - moved)
            received = client.receive_message(QueueUrl=dead_letters, MaxNumberOfMessages=most, **asked)
            for message in received.get("Messages", []):
                client.send_message(QueueUrl=home, MessageBody=message["Body"], **_kept(message))
                client.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
            if not received.get("Messages"):
                break
        return moved


def _kept(message: Mapping[str, Any]) -> dict[str, Any]:
    group = message.get("Attributes", {}).get("MessageGroupId")
    attributes = message.get("MessageAttributes")
    return ({"MessageGroupId": group} if group else {}) | ({"MessageAttributes": attributes} if attributes else {})


def _read_line(function: str, event: Mapping[str, Any]) -> LogLine:
    stored_at = datetime.fromtimestamp(event["timestamp"] / 1000, tz=UTC)
    try:
        record = json.loads(event["message"])
        at = datetime.fromisoformat(record["timestamp"])
    except (KeyError, TypeError, ValueError):
        return LogLine(stored_at, function, {"message": event["message"].strip()})
    return LogLine(at, function, record)
