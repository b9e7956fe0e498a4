"""An in-memory replacement for the AWS services that the operators' commands use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ops.cloud import LogLine, QueueDepth


class InMemoryCloud:
    """See `ops.cloud.Cloud`."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.audit: list[dict[str, Any]] = []
        self.write_error: ClientError | None = None
        self.dead_letters = {"Events": 0, "Webhooks": 0}

    def caller(self) -> str:
        """Return the ARN of the operator."""
        return "arn:aws:iam::123456789012:user/operator"

    def write_log(self, record: Mapping[str, Any]) -> None:
        """Keep the line of an operator, unless `write_error` is set."""
        if self.write_error:
            raise self.write_error
        self.audit.append(dict(record))

    def log(self, at: datetime, function: str, message: str, **record: Any) -> None:
        """Add a log line of a function."""
        self.lines.append(LogLine(at, function, {"level": "INFO", "message": message, **record}))

    def read_queues(self) -> list[QueueDepth]:
        """Return the depths of the dead-letter queues."""
        return [QueueDepth(f"{name}DeadLetterQueue", count, 0, 0) for name, count in self.dead_letters.items()]

    def redrive(self, queue: str, limit: int) -> int:
        """Remove up to `limit` dead letters, and return their number."""
        moved = min(self.dead_letters[queue], limit)
        self.dead_letters[queue] -= moved
        return moved

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """Return the log lines that contain the term, in order of time."""
        return sorted(
            (line for line in self.lines if line.at >= since and term in str(line.record)), key=lambda line: line.at
        )
