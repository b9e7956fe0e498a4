"""Timeline of a job: the events in its document and in the logs of all functions, in order of time."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from localcloud.terminal import printable
from ops.cloud import Cloud, LogLine
from ops.diagnosis import Diagnosis, diagnose
from ops.errors import OpsError
from ops.tables import draw_table
from videojobs.domain.estimate import MOST_AHEAD
from videojobs.domain.job import JobId, VideoJob, is_object_id
from videojobs.domain.policy import StepPolicy
from videojobs.domain.timestamps import format_timestamp
from videojobs.ports.jobs import Clock, JobRepository

BEFORE = timedelta(minutes=1)
"""The time before the job's creation from which logs are read, because clocks differ."""
_OMITTED_FIELDS = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "job_id", "jobId", "xray_trace_id", "action"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id", "trace_id", "span_id"}
    | {"exception", "exception_name", "stack_trace", "_aws", "jobs", "stack"}
)
"""The fields of a log line that columns already show, or that only programs need."""


class Event(NamedTuple):
    """An event in a timeline. `who` is its source: the name of a function, or `document` for the job's document."""

    at: datetime
    who: str
    what: str
    details: Mapping[str, Any]


class Timeline(NamedTuple):
    """A job (None if it is deleted or expired), with its events, trace IDs and diagnosis."""

    job_id: JobId
    job: VideoJob | None
    events: list[Event]
    trace_ids: list[str]
    diagnosis: Diagnosis


def read_job_id(text: str) -> JobId:
    """Return a job ID in lower case.

    Raises:
        OpsError: If the text is not a job ID.
    """
    if not is_object_id(text):
        raise OpsError(f"Invalid job ID {text}. Use 24 hexadecimal digits.")
    return JobId(text.lower())


def build_timeline(
    job_id: JobId, *, jobs: JobRepository, cloud: Cloud, clock: Clock, policy: StepPolicy, cap: int
) -> Timeline:
    """Return the timeline of a job. The timeline of a deleted or expired job contains only log lines.

    `policy` contains the deadline of jobs, and `cap` is the number of slots of a user per priority; both are for the
    diagnosis.

    Raises:
        OpsError: If neither the database nor the logs contain the job.
        Unavailable: If MongoDB does not respond.
        BotoCoreError, ClientError: If the logs can't be read.
    """
    job = jobs.find(job_id)
    lines = cloud.read_logs(job_id, _made_at(job_id) - BEFORE)
    if job is None and not lines:
        raise OpsError(
            f"Job {job_id} was not found in the database or the logs. Check the job ID, and the stack with --stack."
        )
    events = sorted([*(_document_events(job) if job else ()), *map(_read_line, lines)], key=lambda event: event.at)
    traces = list(dict.fromkeys(str(line.record["trace_id"]) for line in lines if line.record.get("trace_id")))
    if job is None:
        diagnosis = Diagnosis("Deleted or expired; the events are from the logs.", "Nothing.")
    else:
        ahead = jobs.count_ahead(job, MOST_AHEAD)
        diagnosis = diagnose(job, now=clock.now(), policy=policy, cap=cap, ahead=ahead)
    return Timeline(job_id, job, events, traces, diagnosis)


def format_timeline(timeline: Timeline, *, show_prompt: bool = False, width: int | None = None) -> str:
    """Return the timeline as text for a terminal of `width` columns (None: unlimited).

    If the table does not fit, its column of times is left out, and the details of each event follow on lines of their
    own. The prompt is private to the user and included only with `show_prompt`.
    """
    facts = [
        _format_fact(name, value, width) for name, value in describe(timeline, show_prompt=show_prompt).items() if value
    ]
    now, to_do = timeline.diagnosis
    table = _format_events(timeline.events, width)
    return "\n".join([*facts, "", *table, "", _format_fact("now", now, width), _format_fact("to do", to_do, width)])


def describe(timeline: Timeline, *, show_prompt: bool) -> dict[str, str]:
    """Return the properties of a job as short texts by name; unknown ones are empty.

    The prompt is private to the user and included only with `show_prompt`. A deleted job has only its ID and trace IDs.
    """
    job = timeline.job
    if job is None:
        return {"job": timeline.job_id, "trace": ", ".join(timeline.trace_ids)}
    return {
        "job": job.id,
        "user": job.user_id,
        "status": f"{job.status}, attempt {job.attempt}, version {job.version}",
        "asked": f"{job.style}, {job.duration} s, {job.aspect_ratio}, priority {job.priority}",
        "prompt": job.prompt if show_prompt else "",
        "batch": job.batch_id or "",
        "provider": f"{job.provider.name}, ref {job.provider.ref or 'none yet'}" if job.provider else "",
        "trace": ", ".join(timeline.trace_ids),
    }


def timeline_to_json(timeline: Timeline, *, show_prompt: bool) -> str:
    """Return the timeline as JSON with the properties of the job, its events and its diagnosis.

    The prompt is private to the user and included only with `show_prompt`.
    """
    events = [event._asdict() | {"at": format_timestamp(event.at)} for event in timeline.events]
    document = {
        "job": describe(timeline, show_prompt=show_prompt),
        "events": events,
        "diagnosis": timeline.diagnosis._asdict(),
    }
    return json.dumps(document, indent=2, default=str)


def _made_at(job_id: JobId) -> datetime:
    """Return the creation time in an ObjectId, which is its first four bytes, in seconds."""
    return datetime.fromtimestamp(int(job_id[:8], 16), tz=UTC)


def _document_events(job: VideoJob) -> Iterator[Event]:
    """Yield the events that the document of a job contains."""
    for entry in job.history:
        what = entry.note if entry.note == entry.status else f"{entry.status}: {entry.note}"
        yield Event(entry.at, "document", what, {})
    if job.waiting_since is not None:
        yield Event(job.waiting_since, "document", "started to wait for a slot", {})
    if (task := job.provider) is not None:
        ref = {"ref": task.ref} if task.ref else {}
        unanswered = {"calls_unanswered": task.unreachable} if task.unreachable else {}
        yield Event(task.submitted_at, "document", f"intent to submit to {task.name}", {**ref, **unanswered})
    for announcement in job.outbox:
        yield Event(announcement.at, "document", "change not published yet", {"version": announcement.version})
    if job.deleted_at is not None:
        yield Event(job.deleted_at, "document", "deleted by its user", {})


def _read_line(line: LogLine) -> Event:
    record = line.record
    level = str(record.get("level", "INFO"))
    what = str(record.get("message", "")) if level == "INFO" else f"{level}: {record.get('message', '')}"
    # Fields that begin with a capital letter are metrics or dimensions; the line has their values in other fields too.
    names = (name for name in record if name not in _OMITTED_FIELDS and not name[:1].isupper())
    details = {name: record[name] for name in names if record[name] not in (None, "")}
    if name := record.get("exception_name"):
        details["exception"] = name
    return Event(line.at, line.function, what, details)


def _format_events(events: Sequence[Event], width: int | None) -> list[str]:
    """Return the lines of the table of events; the narrow form if the full one exceeds `width`."""
    if not events:
        return ["No events."]
    start = events[0].at
    seconds = [f"+{(event.at - start).total_seconds():.3f}" for event in events]
    details = [
        printable("  ".join(f"{name}={_format_value(value)}" for name, value in event.details.items()))
        for event in events
    ]
    full = draw_table(
        ("TIME", "SECONDS", "SOURCE", "EVENT", "DETAILS"),
        [
            (format_timestamp(event.at), offset, event.who, event.what, texts)
            for event, offset, texts in zip(events, seconds, details, strict=True)
        ],
    ).splitlines()
    if width is None or max(map(len, full)) <= width:
        return full
    heading, *rows = draw_table(
        ("SECONDS", "SOURCE", "EVENT"),
        [(offset, event.who, event.what) for event, offset in zip(events, seconds, strict=True)],
    ).splitlines()
    lines = [f"Seconds after {format_timestamp(start)}:", heading]
    for row, texts in zip(rows, details, strict=True):
        lines += _wrap(row, width, indent="    ")
        lines += _wrap(f"    {texts}", width, indent="    ") if texts else []
    return lines


def _format_fact(name: str, text: str, width: int | None) -> str:
    line = f"{name:<9}{printable(text)}"
    return line if width is None else "\n".join(_wrap(line, width, indent=" " * 9))


def _wrap(line: str, width: int, *, indent: str) -> list[str]:
    """Return the line broken at spaces; texts without spaces, such as IDs, are never broken."""
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _format_value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
