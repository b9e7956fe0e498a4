"""The timeline of a job: complete, in order of time, and without the prompt unless it is requested."""

import json
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import a_cancelled_job, a_job, a_lease, a_started_job, a_step, a_waiting_job
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import HistoryEntry, JobError, JobId, JobStatus, ProviderTask, Step, VideoJob

MADE = JobId(f"{int(START.timestamp()):08x}0000000000000001")
PROMPT = "A cat on a surfboard"


def seconds(number: float) -> timedelta:
    """Return a duration of `number` seconds."""
    return timedelta(seconds=number)


def test_document_and_logs_are_merged_in_order_of_time(operator: Operator) -> None:
    history = (
        HistoryEntry(START, JobStatus.QUEUED, "accepted"),
        HistoryEntry(START + seconds(2), JobStatus.FAILED, "failed"),
    )
    operator.jobs.put(a_job(id=MADE, history=history, outbox=()))
    operator.cloud.log(START + seconds(3), "notifier", "Change published", job_id=MADE, version=2, trace_id="1-a-b")
    operator.cloud.log(START + seconds(1), "generate", "Job queued", job_id=MADE, location="submit_job:59")
    operator.cloud.log(START + seconds(1), "generate", "Another job's", job_id="65a000000000000000000099")

    assert operator.run("timeline", MADE) == 0

    rows = operator.out.splitlines()
    first = rows.index(next(row for row in rows if row.startswith("TIME")))
    events = [" ".join(row.split()[1:]) for row in rows[first + 1 : first + 5]]
    assert events == [
        "+0.000 document queued: accepted",
        "+1.000 generate Job queued",
        "+2.000 document failed",
        "+3.000 notifier Change published version=2",
    ]
    assert "trace    1-a-b" in rows


def test_an_error_is_shown_with_its_level_and_exception(operator: Operator) -> None:
    operator.jobs.put(a_job(id=MADE))
    fields = {
        "level": "ERROR",
        "exception_name": "KeyError",
        "exception": "Traceback of many lines",
        "receive_count": "3",
    }
    operator.cloud.log(START, "worker", "Message failed", job_id=MADE, **fields)
    operator.run("timeline", MADE)
    assert "ERROR: Message failed" in operator.out
    assert "receive_count=3  exception=KeyError" in operator.out
    assert "Traceback" not in operator.out


def test_metric_fields_are_left_out_of_the_text_output(operator: Operator) -> None:
    operator.jobs.put(a_job(id=MADE))
    operator.cloud.log(
        START, "worker", "Job processing", job_id=MADE, queue_seconds=1.3, QueueWait=1.3, _aws={"Timestamp": 1}
    )
    assert operator.run("timeline", MADE) == 0
    [line] = [line.split() for line in operator.out.splitlines() if "Job processing" in line]
    assert line[2:] == ["worker", "Job", "processing", "queue_seconds=1.3"]


@pytest.mark.parametrize("arguments", [("timeline", MADE), ("--json", "timeline", MADE)])
def test_the_prompt_is_shown_only_if_requested(operator: Operator, arguments: tuple[str, ...]) -> None:
    operator.jobs.put(a_job(id=MADE, prompt=PROMPT))
    operator.run(*arguments)
    assert PROMPT not in operator.out
    operator.run(*arguments, "--show-prompt")
    assert PROMPT in operator.out


def test_the_json_output_contains_the_same_timeline(operator: Operator) -> None:
    operator.jobs.put(a_started_job(Step.POLL, id=MADE))
    operator.run("--json", "timeline", MADE.upper())
    output = json.loads(operator.out)
    assert output["job"]["provider"] == "scripted, ref task-1"
    assert [event["what"] for event in output["events"]][:2] == ["queued: accepted", "intent to submit to scripted"]
    assert output["diagnosis"]["now"].startswith("The step poll is due")


def test_the_timeline_of_a_deleted_job_is_built_from_the_logs(operator: Operator) -> None:
    operator.cloud.log(START, "jobs", "Job deleted", job_id=MADE)
    assert operator.run("timeline", MADE) == 0
    assert "Job deleted" in operator.out
    assert "Deleted or expired" in operator.out


def test_showing_a_timeline_twice_gives_the_same_output_and_changes_nothing(operator: Operator) -> None:
    job = operator.jobs.put(a_started_job(id=MADE))
    operator.run("timeline", MADE)
    once = operator.out
    operator.run("timeline", MADE)
    assert (operator.out, operator.jobs.all(), operator.audit()) == (once, [job], [])


@pytest.mark.parametrize(("job_id", "problem"), [("abc", "24 hexadecimal digits"), (MADE, "was not found")])
def test_an_invalid_or_unknown_job_id_is_reported(operator: Operator, job_id: str, problem: str) -> None:
    assert operator.run("timeline", job_id) == 1
    assert problem in operator.errors
    assert operator.out == ""


def test_an_unavailable_database_is_reported(operator: Operator) -> None:
    operator.jobs.available = False
    assert operator.run("timeline", MADE) == 1
    assert "does not respond" in operator.errors


def failed(code: FailureCode) -> VideoJob:
    return a_job(status=JobStatus.FAILED, next=None, error=JobError(code, retryable=True), error_message="It broke.")


def refused() -> VideoJob:
    link = "https://results.example.com/a/video.mp4?signature=1"
    return replace(failed(FailureCode.PROVIDER_ERROR), provider=ProviderTask("luma", START, "task-1", result_url=link))


@pytest.mark.parametrize(
    ("job", "now", "to_do"),
    [
        (
            a_waiting_job(-90),
            "Waiting for a slot for 1 min 30 s. The user's 20 slots at priority normal are in use",
            "Nothing",
        ),
        (a_job(next=None), "Created by the former Express server", "Nothing"),
        (a_job(), "The step start is due; its message is on the way to the worker.", "Nothing"),
        (
            a_started_job(next=a_step(Step.POLL, 8)),
            "The step poll is due in 8.0 s. The job fails in 1 h unless",
            "Nothing",
        ),
        (a_started_job(next=a_step(Step.POLL, 8, resends=2)), "its message was resent 2 times", "Nothing"),
        (
            a_started_job(Step.RENDER, lease=a_lease(20)),
            "The render is running the step render; its lease ends in 20 s",
            "Nothing",
        ),
        (
            a_started_job(next=a_step(Step.POLL, -60)),
            "The step poll is overdue by 1 min; the next sweep resends",
            "`status`",
        ),
        (
            a_started_job(next=a_step(Step.POLL, -60, runs=4), lease=a_lease(-1)),
            "and the lease of its worker has expired after run 4 of 10; the next sweep resends",
            "`status`",
        ),
        (
            a_started_job(started_at=START - timedelta(hours=2)),
            "Its deadline has passed; the next sweep fails the job.",
            "Nothing",
        ),
        (
            a_job(status=JobStatus.COMPLETED, next=None, updated_at=START + seconds(7)),
            "7.0 s after it was accepted",
            "The video is available",
        ),
        (a_cancelled_job(), "The step clean_up is pending.", "retry"),
        (a_job(status=JobStatus.CANCELLED, next=None), "No steps are pending.", "retry"),
        (failed(FailureCode.PROVIDER_ERROR), "Failed at 2096", "ops replay"),
        (refused(), "Failed at 2096", "ops fetch-result"),
        (refused(), "Failed at 2096", "The result at https://results.example.com/a was refused."),
        (failed(FailureCode.CONTENT_REJECTED), "code content_rejected: “It broke.”", "Nothing"),
        (a_job(deleted_at=START), "Deleted by its user at 2096", "Nothing"),
        (a_job(deleted_at=START, next=None), "its document is removed next", "Nothing"),
    ],
)
def test_the_diagnosis_describes_the_state_of_the_job_and_the_action_to_take(
    operator: Operator, job: VideoJob, now: str, to_do: str
) -> None:
    operator.jobs.put(job)
    assert operator.run("timeline", job.id) == 0
    lines = {line.split("  ")[0]: line for line in operator.out.splitlines() if line.startswith(("now", "to do"))}
    assert now in lines["now"]
    assert to_do in lines["to do"]


HOSTILE = "x\x1b]52;c;Y3VybA==\x07\x1b[2J\x9b31m\u202e\u2066\u200b\u2028\r\nnow      Completed\ttab\x00\x7f\ud800"
"""Fills the clipboard, clears the screen, changes colour and direction, and imitates a line of the timeline."""


@pytest.mark.parametrize("wide", [True, False])
def test_text_from_outside_cannot_control_the_terminal(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, wide: bool
) -> None:
    if not wide:
        monkeypatch.setattr("ops.commands.terminal_width", lambda: 60)
    error = JobError(FailureCode.PROVIDER_ERROR, retryable=True)
    task = ProviderTask(HOSTILE, submitted_at=START, ref=HOSTILE)
    history = (HistoryEntry(START, JobStatus.FAILED, HOSTILE),)
    job = replace(a_started_job(id=MADE, prompt=HOSTILE, status=JobStatus.FAILED, next=None), history=history)
    operator.jobs.put(replace(job, provider=task, error=error, error_message=HOSTILE, batch_id=HOSTILE))
    operator.cloud.log(START, HOSTILE, HOSTILE, job_id=MADE, state=HOSTILE, more={"a": HOSTILE}, trace_id=HOSTILE)
    assert operator.run("timeline", MADE, "--show-prompt") == 0
    shown = operator.out.replace("\n", "")
    assert shown.isprintable()
    assert "\\x1b]52" in shown
    assert not [line for line in operator.out.splitlines() if line.startswith("now      Completed")]
    assert operator.run("--json", "timeline", MADE, "--show-prompt") == 0
    assert operator.out.isascii()


def test_other_output_of_commands_cannot_control_the_terminal(operator: Operator) -> None:
    operator.run("pause", "--yes", "--reason", HOSTILE)
    operator.run("status")
    assert operator.out.replace("\n", "").isprintable()
    assert not [line for line in operator.out.splitlines() if line.startswith("now")]
    operator.run("timeline", HOSTILE)
    assert operator.errors.replace("\n", "").isprintable()
