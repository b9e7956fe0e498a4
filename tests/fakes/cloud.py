"""AWS as the operators' commands see it, in memory."""

from datetime import datetime
from typing import Any

from ops.cloud import LogLine, QueueDepth


class InMemoryCloud:
    """See `ops.cloud.Cloud`."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.dead_letters = {"Events": 0, "Webhooks": 0}

    def caller(self) -> str:
        """Somebody."""
        return "arn:aws:iam::123456789012:user/operator"

    def log(self, at: datetime, function: str, message: str, **record: Any) -> None:
        """A function logs something."""
        self.lines.append(LogLine(at, function, {"level": "INFO", "message": message, **record}))

    def read_queues(self) -> list[QueueDepth]:
        """The dead letters alone."""
        return [QueueDepth(f"{name}DeadLetterQueue", count, 0, 0) for name, count in self.dead_letters.items()]

    def redrive(self, queue: str, limit: int) -> int:
        """Take them away."""
        moved = min(self.dead_letters[queue], limit)
        self.dead_letters[queue] -= moved
        return moved

    def read_logs(self, term: str, since: datetime) -> list[LogLine]:
        """Those that hold the term, in order of time."""
        return sorted(
            (line for line in self.lines if line.at >= since and term in str(line.record)), key=lambda line: line.at
        )
