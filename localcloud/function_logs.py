"""Shows what the functions logged: one line an event, in the order of time, whichever function it came from."""

import json
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
_LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red bold", "DEBUG": "dim"}
# Said by the columns already, or of use to machines alone.
_HIDDEN = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "job_id", "xray_trace_id", "action"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id"}
    | {"exception", "exception_name", "stack_trace"}
)


@dataclass(frozen=True, slots=True, order=True)
class LogEvent:
    """One event in a function's log group."""

    at_milliseconds: int
    function: str
    stream: str
    message: str


def show_logs(config: CloudConfig, stack: Stack, *, function: str | None, follow: bool) -> None:
    """Print what the functions, or one of them, have logged; go on as they log more."""
    if function and function not in stack.functions:
        raise LocalCloudError(f"There is no function {function}; there are: {', '.join(sorted(stack.functions))}")
    seen: set[LogEvent] = set()
    since = 0
    while True:
        fresh = [each for each in read_events(config, stack, function=function, since=since) if each not in seen]
        for event in fresh if seen or since else fresh[-_SHOWN_AT_FIRST:]:
            if line := format_event(event):
                console.print(line)
        if not follow:
            return
        seen.update(fresh)
        since = max([since, *(event.at_milliseconds for event in fresh)])
        seen = {event for event in seen if event.at_milliseconds >= since}
        time.sleep(_FOLLOW_SECONDS)


def read_events(config: CloudConfig, stack: Stack, *, function: str | None, since: int) -> list[LogEvent]:
    """All events from that time on (milliseconds since 1970), sorted."""
    client = open_session(config).client("logs", endpoint_url=stack.aws_endpoint_url)
    prefix = f"/videojobs/{stack.stack_name}/"
    events = []
    for group in client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        name = group["logGroupName"].removeprefix(prefix)
        if function in {None, name}:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=since
            )
            events += [
                LogEvent(each["timestamp"], name, each["logStreamName"], each["message"])
                for page in pages
                for each in page["events"]
            ]
    return sorted(events)


def format_event(event: LogEvent) -> Text | None:
    """One event as a line, or None for the platform's own book-keeping."""
    if event.message.startswith(_PLATFORM_LINES):
        return None
    record = _record_of(event)
    at = datetime.fromtimestamp(event.at_milliseconds / 1000, tz=UTC).astimezone()
    if stamp := record.get("timestamp"):
        at = datetime.fromisoformat(str(stamp)).astimezone()
    level = str(record.get("level", ""))
    line = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  ", style="dim")
    line.append(f"{event.function:<10}  ", style="cyan")
    line.append(f"{level:<7}  ", style=_LEVEL_STYLES.get(level, "green"))
    line.append(str(record["message"]), style="default")
    if job_id := record.get("job_id"):
        line.append(f"  {job_id}", style="magenta")
    line.append("".join(_pairs(record)), style="dim")
    if exception := str(record.get("exception", "")):
        # What was expected and dealt with is told by its last line; what was not, in full.
        line.append("\n" + (exception if level in {"ERROR", "CRITICAL"} else exception.splitlines()[-1]), style="red")
    return line


def _record_of(event: LogEvent) -> dict[str, Any]:
    try:
        record = json.loads(event.message)
    except ValueError:
        return {"message": event.message.rstrip()}
    return record if isinstance(record, dict) and "message" in record else {"message": event.message.rstrip()}


def _pairs(record: dict[str, Any]) -> Iterator[str]:
    for name, value in record.items():
        if name not in _HIDDEN:
            yield f"  {name}={value if isinstance(value, str) else json.dumps(value)}"
