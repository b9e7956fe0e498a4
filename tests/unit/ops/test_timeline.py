"""The story of a job is told whole, in order of time, and keeps to itself what is its user's."""

import json
from datetime import timedelta

import pytest

from tests.builders import a_cancelled_job, a_job, a_lease, a_started_job, a_step, a_waiting_job
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import HistoryEntry, JobError, JobId, JobStatus, Step, VideoJob

MADE = JobId(f"{int(START.timestamp()):08x}0000000000000001")
PROMPT = "A cat on a surfboard"


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_document_and_logs_are_told_in_order_of_time(operator: Operator) -> None:
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
    told = [" ".join(row.split()[1:]) for row in rows[first + 1 : first + 5]]
    assert told == [
        "+0.000 document queued: accepted",
        "+1.000 generate Job queued",
        "+2.000 document failed",
        "+3.000 notifier Change published version=2",
    ]
    assert "trace    1-a-b" in rows


def test_what_went_wrong_is_told_with_its_level_and_its_exception(operator: Operator) -> None:
    operator.jobs.put(a_job(id=MADE))
    facts = {
        "level": "ERROR",
        "exception_name": "KeyError",
        "exception": "Traceback of many lines",
        "receive_count": "3",
    }
    operator.cloud.log(START, "worker", "Message failed", job_id=MADE, **facts)
    operator.run("timeline", MADE)
    assert "ERROR: Message failed" in operator.out
    assert "receive_count=3  exception=KeyError" in operator.out
    assert "Traceback" not in operator.out


def test_the_metrics_in_a_line_are_for_machines(operator: Operator) -> None:
    operator.jobs.put(a_job(id=MADE))
    operator.cloud.log(
        START, "worker", "Job processing", job_id=MADE, queue_seconds=1.3, QueueWait=1.3, _aws={"Timestamp": 1}
    )
    assert operator.run("timeline", MADE) == 0
    [line] = [line.split() for line in operator.out.splitlines() if "Job processing" in line]
    assert line[2:] == ["worker", "Job", "processing", "queue_seconds=1.3"]


@pytest.mark.parametrize("words", [("timeline", MADE), ("--json", "timeline", MADE)])
def test_the_prompt_is_shown_only_to_who_asks_for_it(operator: Operator, words: tuple[str, ...]) -> None:
    operator.jobs.put(a_job(id=MADE, prompt=PROMPT))
    operator.run(*words)
    assert PROMPT not in operator.out
    operator.run(*words, "--show-prompt")
    assert PROMPT in operator.out


def test_machines_read_the_same_story(operator: Operator) -> None:
    operator.jobs.put(a_started_job(Step.POLL, id=MADE))
    operator.run("--json", "timeline", MADE.upper())
    told = json.loads(operator.out)
    assert told["job"]["provider"] == "scripted, ref task-1"
    assert [event["what"] for event in told["events"]][:2] == ["queued: accepted", "intent to submit to scripted"]
    assert told["diagnosis"]["now"].startswith("Its poll is due")


def test_of_a_job_that_is_gone_the_logs_tell(operator: Operator) -> None:
    operator.cloud.log(START, "jobs", "Job deleted", job_id=MADE)
    assert operator.run("timeline", MADE) == 0
    assert "Job deleted" in operator.out
    assert "It is gone" in operator.out


def test_a_story_that_is_told_twice_is_the_same_and_changes_nothing(operator: Operator) -> None:
    job = operator.jobs.put(a_started_job(id=MADE))
    operator.run("timeline", MADE)
    once = operator.out
    operator.run("timeline", MADE)
    assert (operator.out, operator.jobs.all(), operator.audit()) == (once, [job], [])


@pytest.mark.parametrize(("job_id", "words"), [("abc", "24 hexadecimal digits"), (MADE, "There is no job")])
def test_what_is_no_job_is_said_in_words(operator: Operator, job_id: str, words: str) -> None:
    assert operator.run("timeline", job_id) == 1
    assert words in operator.errors
    assert operator.out == ""


def test_a_database_that_does_not_answer_is_said_in_words(operator: Operator) -> None:
    operator.jobs.available = False
    assert operator.run("timeline", MADE) == 1
    assert "does not answer" in operator.errors


def failed(code: FailureCode) -> VideoJob:
    return a_job(status=JobStatus.FAILED, next=None, error=JobError(code, retryable=True), error_message="It broke.")


@pytest.mark.parametrize(
    ("job", "now", "to_do"),
    [
        (a_waiting_job(-90), "Waits for its turn since 1 min 30 s: 20 of its user's jobs are active", "Nothing"),
        (a_job(next=None), "Left by the Express server", "Nothing"),
        (a_job(), "Its start is due; the message is on its way to the worker.", "Nothing"),
        (a_started_job(next=a_step(Step.POLL, 8)), "Its poll is due in 8.0 s. It fails in 1 h unless", "Nothing"),
        (a_started_job(next=a_step(Step.POLL, 8, resends=2)), "after its message was sent again 2 times", "Nothing"),
        (
            a_started_job(Step.RENDER, lease=a_lease(20)),
            "The render is at its render: the lease is held for another 20 s",
            "Nothing",
        ),
        (
            a_started_job(next=a_step(Step.POLL, -60)),
            "Its poll is overdue by 1 min; the next sweep sends",
            "`status`",
        ),
        (
            a_started_job(next=a_step(Step.POLL, -60), lease=a_lease(-1)),
            "and the lease of whoever worked on it has run out",
            "`status`",
        ),
        (
            a_started_job(started_at=START - timedelta(hours=2)),
            "Its deadline is over: the next sweep ends it.",
            "Nothing",
        ),
        (
            a_job(status=JobStatus.COMPLETED, next=None, updated_at=START + seconds(7)),
            "7.0 s after it was accepted",
            "a video",
        ),
        (a_cancelled_job(), "Its clean_up is still to be done.", "retry"),
        (a_job(status=JobStatus.CANCELLED, next=None), "Nothing is left of it.", "retry"),
        (failed(FailureCode.PROVIDER_ERROR), "Failed at 2096", "ops replay"),
        (failed(FailureCode.CONTENT_REJECTED), "code content_rejected: “It broke.”", "Nothing"),
        (a_job(deleted_at=START), "Deleted by its user at 2096", "Nothing"),
        (a_job(deleted_at=START, next=None), "its document goes next", "Nothing"),
    ],
)
def test_where_a_job_stands_is_said_in_words(operator: Operator, job: VideoJob, now: str, to_do: str) -> None:
    operator.jobs.put(job)
    assert operator.run("timeline", job.id) == 0
    said = {line.split("  ")[0]: line for line in operator.out.splitlines() if line.startswith(("now", "to do"))}
    assert now in said["now"]
    assert to_do in said["to do"]
