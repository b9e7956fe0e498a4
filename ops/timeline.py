"""What happened to a job: its document and what all functions logged about it, in one table in order of time."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

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
"""Clocks differ: the logs are read from so long before the job was accepted."""
_SAID_ALREADY = frozenset(
    {"level", "location", "message", "timestamp", "service", "cold_start", "job_id", "jobId", "xray_trace_id", "action"}
    | {"function_name", "function_memory_size", "function_arn", "function_request_id", "trace_id", "span_id"}
    | {"exception", "exception_name", "stack_trace", "_aws"}
)
"""Fields of a log line that columns hold, or that are of use to machines alone."""


class Event(NamedTuple):
    """One line of the timeline; `who` is a function, or `document` for what stands in MongoDB."""

    at: datetime
    who: str
    what: str
    details: Mapping[str, Any]


class Timeline(NamedTuple):
    """A job as it stands (None: it is gone), what happened, in whose trace, and where that has led."""

    job_id: JobId
    job: VideoJob | None
    events: list[Event]
    trace_ids: list[str]
    diagnosis: Diagnosis


def read_job_id(text: str) -> JobId:
    """The id that somebody typed.

    Raises:
        OpsError: it is none.
    """
    if not is_object_id(text):
        raise OpsError(f"{text} is no job's id, which is 24 hexadecimal digits.")
    return JobId(text.lower())


def build_timeline(
    job_id: JobId, *, jobs: JobRepository, cloud: Cloud, clock: Clock, policy: StepPolicy, cap: int
) -> Timeline:
    """All that is known of a job; of one that is removed, what the logs still hold.

    Raises:
        OpsError: neither the database nor a log knows it.
        Unavailable: MongoDB does not answer.
    """
    job = jobs.find(job_id)
    lines = cloud.read_logs(job_id, _made_at(job_id) - BEFORE)
    if job is None and not lines:
        raise OpsError(
            f"There is no job {job_id}, and no log tells of one. Is it the right stack, and an id of its API?"
        )
    events = sorted([*(_tell(job) if job else ()), *map(_read_line, lines)], key=lambda event: event.at)
    traces = list(dict.fromkeys(str(line.record["trace_id"]) for line in lines if line.record.get("trace_id")))
    if job is None:
        diagnosis = Diagnosis("It is gone: deleted, or expired. This is what the logs still hold.", "Nothing.")
    else:
        ahead = jobs.count_ahead(job, MOST_AHEAD)
        diagnosis = diagnose(job, now=clock.now(), policy=policy, cap=cap, ahead=ahead)
    return Timeline(job_id, job, events, traces, diagnosis)


def format_timeline(timeline: Timeline, *, show_prompt: bool = False) -> str:
    """The timeline for people. The prompt, which is its user's, only where it is asked for."""
    facts = [f"{name:<9}{value}" for name, value in describe(timeline, show_prompt=show_prompt).items() if value]
    first = timeline.events[0].at if timeline.events else datetime.now(UTC)
    rows = [
        (
            format_timestamp(event.at),
            f"+{(event.at - first).total_seconds():.3f}",
            event.who,
            event.what,
            "  ".join(f"{name}={_say(value)}" for name, value in event.details.items()),
        )
        for event in timeline.events
    ]
    table = draw_table(("TIME", "SECONDS", "WHO", "WHAT", ""), rows)
    return "\n".join([*facts, "", table, "", f"now      {timeline.diagnosis.now}", f"to do    {timeline.diagnosis.do}"])


def describe(timeline: Timeline, *, show_prompt: bool) -> dict[str, str]:
    """What a job is, in a few words each; what is not known is empty."""
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
    """The timeline for machines."""
    events = [event._asdict() | {"at": format_timestamp(event.at)} for event in timeline.events]
    shown = {
        "job": describe(timeline, show_prompt=show_prompt),
        "events": events,
        "diagnosis": timeline.diagnosis._asdict(),
    }
    return json.dumps(shown, indent=2, default=str)


def _made_at(job_id: JobId) -> datetime:
    """An ObjectId begins with the second in which it was made."""
    return datetime.fromtimestamp(int(job_id[:8], 16), tz=UTC)


def _tell(job: VideoJob) -> Iterator[Event]:
    """What the document knows of the past."""
    for entry in job.history:
        what = entry.note if entry.note == entry.status else f"{entry.status}: {entry.note}"
        yield Event(entry.at, "document", what, {})
    if job.waiting_since is not None:
        yield Event(job.waiting_since, "document", "began to wait for room in its user's share", {})
    if (task := job.provider) is not None:
        ref = {"ref": task.ref} if task.ref else {}
        unanswered = {"calls_unanswered": task.unreachable} if task.unreachable else {}
        yield Event(task.submitted_at, "document", f"intent to submit to {task.name}", {**ref, **unanswered})
    for announcement in job.outbox:
        yield Event(announcement.at, "document", "a change not announced yet", {"version": announcement.version})
    if job.deleted_at is not None:
        yield Event(job.deleted_at, "document", "deleted by its user", {})


def _read_line(line: LogLine) -> Event:
    record = line.record
    level = str(record.get("level", "INFO"))
    what = str(record.get("message", "")) if level == "INFO" else f"{level}: {record.get('message', '')}"
    # What begins with a capital is a metric, or its dimension: the line says it in a field of its own as well.
    told = (name for name in record if name not in _SAID_ALREADY and not name[:1].isupper())
    details = {name: record[name] for name in told if record[name] not in (None, "")}
    if name := record.get("exception_name"):
        details["exception"] = name
    return Event(line.at, line.function, what, details)


def _say(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
