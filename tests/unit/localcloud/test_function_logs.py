"""Display of the log events of functions."""

import json
from datetime import UTC, datetime

from localcloud.function_logs import LogEvent, format_event

AT = datetime(2026, 1, 8, 10, 0, 0, 123_000, tzinfo=UTC)


def an_event(message: str) -> LogEvent:
    return LogEvent(at=AT, function="worker", stream="s", message=message, stored_milliseconds=0)


def test_a_record_is_shown_as_one_line_with_its_fields() -> None:
    record = {"level": "INFO", "message": "Job queued", "job_id": "65a1", "action": "job_queued", "attempt": 2}

    line = format_event(an_event(json.dumps(record))).plain

    at = AT.astimezone()
    assert line == f"{at:%H:%M:%S}.123  worker      INFO     Job queued  65a1  attempt=2"


def test_a_message_that_is_not_a_record_is_shown_unchanged() -> None:
    assert format_event(an_event("Task timed out after 30 s\n")).plain.endswith("Task timed out after 30 s")
    assert format_event(an_event('["a list"]')).plain.endswith('["a list"]')


def test_an_error_is_shown_with_its_traceback() -> None:
    trace = "Traceback (most recent call last):\n  File …\nValueError: no"

    line = format_event(an_event(json.dumps({"level": "ERROR", "message": "Failed", "exception": trace}))).plain

    assert line.endswith(trace)


def test_a_warning_is_shown_with_its_causes_only() -> None:
    trace = "Traceback:\n  File …\nRuntimeError: refused\n\nThe above exception …\n\n  File …\na.b.Unavailable: later"

    line = format_event(an_event(json.dumps({"level": "WARNING", "message": "Late", "exception": trace}))).plain

    assert line.endswith("\na.b.Unavailable: later ← RuntimeError: refused")


def test_log_events_of_the_platform_are_recognized() -> None:
    assert an_event("REPORT RequestId: 1\tDuration: 7 ms").is_platforms
    assert not an_event('{"message": "REPORT"}').is_platforms
