"""AWS operations that only commands need: reading logs, and reading and redriving queues."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from ops.system import System

_PAGE = 10
"""The maximum number of messages in one SQS response."""


class LogLine(NamedTuple):
    """A log line of a function. A line that is not JSON has its text in the field `message`."""

    at: datetime
    function: str
    record: Mapping[str, Any]


class QueueDepth(NamedTuple):
    """The approximate numbers of visible, in-flight and delayed messages in a queue."""

    name: str
    visible: int
    in_hand: int
    delayed: int


class Cloud(Protocol):
    """Protocol for the AWS operations of commands, on one CloudFormation stack of this project."""

    def read_queues(self) -> list[QueueDepth]:
        """Return the depth of each queue in the outputs of the stack, sorted by the name of its output.

        Raises:
            BotoCoreError, ClientError: If SQS does not respond or rejects the request.
        """
        ...

    def redrive(self, queue: str, limit: int) -> int:
        """Move up to `limit` dead letters back to a queue, and return the number of moved messages.

        `queue` is `Events` or `Webhooks`. Messages keep their attributes and group. Delivery is at least once: after a
        failure a message can be in both queues.

        Raises:
            BotoCoreError, ClientError: If SQS does not respond or rejects a request. Some messages may have been moved.
        """
        ...

    def caller(self) -> str:
        """Return the ARN of the operator's credentials.

        Raises:
            BotoCoreError, ClientError: If there are no valid credentials or AWS does not respond.
        """
        ...

    def write_log(self, record: Mapping[str, Any]) -> None:
        """Write a line to the log group of the operators' commands.

        Raises:
            BotoCoreError, ClientError: If CloudWatch Logs does not confirm the line.
        """
        ...

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """Return the log lines of all functions and of operators' commands that contain a term, in order of time.

        Raises:
            BotoCoreError, ClientError: If CloudWatch Logs does not respond or rejects a request.
        """
        ...


class AwsCloud:
    """Implementation of `Cloud` with boto3, on the log groups and queues of a stack."""

    def __init__(self, system: System) -> None:
        """Create the object without calling AWS."""
        self._system = system

    def caller(self) -> str:
        """Call `sts:GetCallerIdentity`, which needs no permission, and return the ARN.

        Raises:
            BotoCoreError, ClientError: If there are no valid credentials or AWS does not respond.
        """
        return str(self._system.client("sts").get_caller_identity()["Arn"])

    def write_log(self, record: Mapping[str, Any]) -> None:
        """Call `logs:CreateLogStream` and `logs:PutLogEvents` on the log group `/videojobs/STACK/operators`.

        Raises:
            BotoCoreError, ClientError: If CloudWatch Logs does not confirm the line.
        """
        client, now = self._system.client("logs"), datetime.now(UTC)
        place = {
            "logGroupName": f"/videojobs/{self._system.stack_name}/operators",
            "logStreamName": f"{now:%Y/%m/%d}/{uuid4().hex}",
        }
        client.create_log_stream(**place)
        message = json.dumps({"timestamp": now.isoformat(timespec="milliseconds"), "level": "INFO", **record})
        client.put_log_events(**place, logEvents=[{"timestamp": round(now.timestamp() * 1000), "message": message}])

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """Call `logs:FilterLogEvents` with the quoted term on each log group `/videojobs/STACK/*`.

        Return the log lines since a time that contain the term, in order of time.

        Raises:
            BotoCoreError, ClientError: If CloudWatch Logs does not respond or rejects a request.
        """
        client, prefix = self._system.client("logs"), f"/videojobs/{self._system.stack_name}/"
        groups = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        lines = []
        for name in (group["logGroupName"] for page in groups for group in page["logGroups"]):
            query = {"filterPattern": f'"{term}"', "startTime": max(int(since.timestamp() * 1000), 0)}
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=name, **query)
            function = name.removeprefix(prefix)
            lines += [_read_line(function, event) for page in pages for event in page["events"]]
        return sorted(lines, key=lambda line: line.at)

    def read_queues(self) -> list[QueueDepth]:
        """Call `sqs:GetQueueAttributes` on each queue in the stack's outputs, and return the depths sorted by output.

        Raises:
            BotoCoreError, ClientError: If SQS does not respond or rejects a request.
        """
        client, states = self._system.client("sqs"), ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{state}" for state in states]
        depths = []
        for output, url in sorted(self._system.outputs.items()):
            if output.endswith("QueueUrl"):
                attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
                depths.append(QueueDepth(output.removesuffix("Url"), *(int(attributes[name]) for name in names)))
        return depths

    def redrive(self, queue: str, limit: int) -> int:
        """Move up to `limit` dead letters back to a queue, and return the number of moved messages.

        `queue` is `Events` or `Webhooks`. Each message is sent to the queue and then deleted from the dead-letter
        queue, so a failure can leave it in both. A message that another consumer has received is not moved.

        Raises:
            BotoCoreError, ClientError: If SQS does not respond or rejects a request. Some messages may have been moved.
        """
        client, outputs = self._system.client("sqs"), self._system.outputs
        dead_letters, target = outputs[f"{queue}DeadLetterQueueUrl"], outputs[f"{queue}QueueUrl"]
        options = {"AttributeNames": ["MessageGroupId"], "MessageAttributeNames": ["All"], "VisibilityTimeout": 60}
        moved = 0
        while moved < limit:
            count = min(_PAGE, limit - moved)
            received = client.receive_message(QueueUrl=dead_letters, MaxNumberOfMessages=count, **options)
            for message in received.get("Messages", []):
                client.send_message(QueueUrl=target, MessageBody=message["Body"], **_copied_attributes(message))
                client.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
            if not received.get("Messages"):
                break
        return moved


def _copied_attributes(message: Mapping[str, Any]) -> dict[str, Any]:
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
