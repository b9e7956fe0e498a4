"""Logs of all functions in the terminal: one line per event, ordered by time."""

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
from localcloud.terminal import printable

_FOLLOW_SECONDS = 0.5
_SHOWN_AT_FIRST = 200
_PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
_EXCEPTION = re.compile(r"[\w.]*[A-Z]\w+: ")
_LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red bold", "DEBUG": "dim"}
# Fields that the columns show already or that people do not read.
_HIDDEN = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "job_id", "xray_trace_id", "action"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id"}
    | {"exception", "exception_name", "stack_trace", "_aws", "Stack", "trace_id"}
)


@dataclass(frozen=True, slots=True, order=True)
class LogEvent:
    """Event in a function's log group."""

    at: datetime
    """Timestamp in the message if it has one, else the platform's, which is the end of the invocation."""
    function: str
    stream: str
    message: str
    stored_milliseconds: int

    @property
    def is_platforms(self) -> bool:
        """Return whether Lambda itself logged the event (`START`, `END`, `REPORT`, `INIT_START`)."""
        return self.message.startswith(_PLATFORM_LINES)

    @property
    def record(self) -> dict[str, Any]:
        """Return the logged fields; an event without a JSON object that has a message gives its text as `message`."""
        return _record_of(self.message)


def show_logs(config: CloudConfig, stack: Stack, *, function: str | None, follow: bool) -> None:
    """Print the events of all functions or of one; with `follow`, print new events until interrupted.

    At first, only the last 200 events are printed.

    Raises:
        LocalCloudError: If the function does not exist.
        BotoCoreError, ClientError: If the local AWS does not respond or reports an error.
        KeyboardInterrupt: If Ctrl-C ends `follow`.
    """
    if function and function not in stack.functions:
        raise LocalCloudError(f"No function is named {function}. Choose one of: {', '.join(sorted(stack.functions))}")
    seen: set[LogEvent] = set()
    since = 0
    while True:
        events = read_events(config, stack, function=function, since=since)
        new_events = [event for event in events if event not in seen]
        for event in new_events[-_SHOWN_AT_FIRST:] if not since else new_events:
            console.print(format_event(event))
        if not follow:
            return
        # The next request includes the last millisecond again, because more events may have been stored within it.
        since = max([since, *(event.stored_milliseconds for event in new_events)])
        seen = {event for event in events if event.stored_milliseconds >= since}
        time.sleep(_FOLLOW_SECONDS)


def read_events(config: CloudConfig, stack: Stack, *, function: str | None, since: int) -> list[LogEvent]:
    """Return the events stored since a time (milliseconds since 1970), sorted by time, without those of Lambda itself.

    `function` is the short name of a function, such as `worker`; None for all functions.

    Raises:
        BotoCoreError, ClientError: If the local AWS does not respond or reports an error.
    """
    client = open_session(config).client("logs", endpoint_url=stack.aws_endpoint_url)
    prefix = f"/videojobs/{stack.stack_name}/"
    events: list[LogEvent] = []
    for group in client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        name = group["logGroupName"].removeprefix(prefix)
        if function in {None, name}:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=since
            )
            stored_events = [stored for page in pages for stored in page["events"]]
            events += [
                LogEvent(
                    at=_time_of(stored["message"], stored["timestamp"]),
                    function=name,
                    stream=stored["logStreamName"],
                    message=stored["message"],
                    stored_milliseconds=stored["timestamp"],
                )
                for stored in stored_events
            ]
    return sorted(event for event in events if not event.is_platforms)


def format_event(event: LogEvent) -> Text:
    """Return the event as a line: time, function, level, message, job ID and other fields.

    For an error, the stack trace follows on lines of its own. For other levels only the messages of the exceptions do.
    """
    record = event.record
    level = str(record.get("level", ""))
    at = event.at.astimezone()
    line = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  ", style="dim")
    line.append(f"{event.function:<10}  ", style="cyan")
    line.append(f"{level:<7}  ", style=_LEVEL_STYLES.get(level, "green"))
    line.append(printable(str(record["message"])), style="default")
    if job_id := record.get("job_id"):
        line.append(printable(f"  {job_id}"), style="magenta")
    line.append("".join(_pairs(record)), style="dim")
    if exception := str(record.get("exception", "")):
        details = exception if level in {"ERROR", "CRITICAL"} else " ← ".join(_causes(exception))
        line.append(f"\n{details}", style="red")
    return line


def _causes(exception: str) -> Iterator[str]:
    """Yield the message of an exception, then those of its causes, without stack traces."""
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
    # Names in capitals are metrics and dimensions, which repeat other fields of the event.
    for name, value in record.items():
        if name not in _HIDDEN and not name[0].isupper():
            yield printable(f"  {name}={value if isinstance(value, str) else json.dumps(value)}")
