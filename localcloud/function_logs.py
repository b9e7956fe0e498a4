"""Shows what the functions logged: one line an event, in the order of time, whichever function it came from."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.progress import console
from localcloud.stack import Stack

_FOLLOW_SECONDS = 0.5
_SHOWN_AT_FIRST = 200
_PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_EXCEPTION = re.compile(r"[\w.]*[A-Z]\w+: ")
_LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red bold", "DEBUG": "dim"}
# Said by the columns already, or of use to machines alone.
_HIDDEN = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "job_id", "xray_trace_id", "action"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id"}
    | {"exception", "exception_name", "stack_trace", "_aws", "Stack", "trace_id"}
)


@dataclass(frozen=True, slots=True, order=True)
class LogEvent:
    """One event in a function's log group."""

    at: datetime
    """When the function said it, if it says when; the platform's own time is that of the call's end."""
    function: str
    stream: str
    message: str
    stored_milliseconds: int

    @property
    def is_platforms(self) -> bool:
        """Whether it is the platform's book-keeping rather than the function's word."""
        return self.message.startswith(_PLATFORM_LINES)

    @property
    def record(self) -> dict[str, Any]:
        """What was logged, its text under `message`."""
        return _record_of(self.message)


def show_logs(config: CloudConfig, stack: Stack, *, function: str | None, follow: bool) -> None:
    """Print what the functions, or one of them, have logged; go on as they log more."""
    if function and function not in stack.functions:
        raise LocalCloudError(f"There is no function {function}; there are: {', '.join(sorted(stack.functions))}")
    seen: set[LogEvent] = set()
    since = 0
    while True:
        events = read_events(config, stack, function=function, since=since)
        fresh = [event for event in events if event not in seen]
        for event in fresh[-_SHOWN_AT_FIRST:] if not since else fresh:
            console.print(format_event(event))
        if not follow:
            return
        # The store is asked again from its last millisecond on, as more may have come within it.
        since = max([since, *(event.stored_milliseconds for event in fresh)])
        seen = {event for event in events if event.stored_milliseconds >= since}
        time.sleep(_FOLLOW_SECONDS)


def read_events(config: CloudConfig, stack: Stack, *, function: str | None, since: int) -> list[LogEvent]:
    """All events from that time on (milliseconds since 1970), sorted."""
    client = open_session(config).client("logs", endpoint_url=stack.aws_endpoint_url)
    prefix = f"/videojobs/{stack.stack_name}/"
    events: list[LogEvent] = []
    for group in client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        name = group["logGroupName"].removeprefix(prefix)
        if function in {None, name}:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=since
            )
            stored = [each for page in pages for each in page["events"]]
            events += [
                LogEvent(
                    at=_time_of(each["message"], each["timestamp"]),
                    function=name,
                    stream=each["logStreamName"],
                    message=each["message"],
                    stored_milliseconds=each["timestamp"],
                )
                for each in stored
            ]
    return sorted(event for event in events if not event.is_platforms)


def format_event(event: LogEvent) -> Text:
    """One event as a line."""
    record = event.record
    level = str(record.get("level", ""))
    at = event.at.astimezone()
    line = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  ", style="dim")
    line.append(f"{event.function:<10}  ", style="cyan")
    line.append(f"{level:<7}  ", style=_LEVEL_STYLES.get(level, "green"))
    line.append(str(record["message"]), style="default")
    if job_id := record.get("job_id"):
        line.append(f"  {job_id}", style="magenta")
    line.append("".join(_pairs(record)), style="dim")
    if exception := str(record.get("exception", "")):
        # What was expected and dealt with is told in a line; what was not, in full.
        words = exception if level in {"ERROR", "CRITICAL"} else " ← ".join(_causes(exception))
        line.append(f"\n{words}", style="red")
    return line


def _causes(exception: str) -> Iterator[str]:
    """The messages of an exception and of what it came from, itself first, without the traces."""
    for line in reversed(exception.splitlines()):
        if _EXCEPTION.match(line):
            yield line


def _time_of(message: str, stored_milliseconds: int) -> datetime:
    if stamp := _record_of(message).get("timestamp"):
        return datetime.fromisoformat(str(stamp))
    return datetime.fromtimestamp(stored_milliseconds / 1000, tz=UTC)


def _record_of(message: str) -> dict[str, Any]:
    try:
        record = json.loads(message)
    except ValueError:
        record = None
    return record if isinstance(record, dict) and "message" in record else {"message": message.rstrip()}


def _pairs(record: dict[str, Any]) -> Iterator[str]:
    # Metrics and their dimensions, in capitals, say again what fields of the event have said.
    for name, value in record.items():
        if name not in _HIDDEN and not name[0].isupper():
            yield f"  {name}={value if isinstance(value, str) else json.dumps(value)}"
