"""Operators look at the queues, have dead letters delivered and failed jobs done again; each may be repeated."""

from datetime import timedelta

import pytest

from tests.builders import a_job, an_id
from tests.fakes.clock import START
from tests.unit.ops.office import Office
from videojobs.domain.job import JobError, JobStatus, VideoJob


def a_failed_job(code: str = "timeout", **changes: object) -> VideoJob:
    """One that another attempt may help."""
    ended = {"status": JobStatus.FAILED, "next": None, "outbox": (), "error": JobError(code, retryable=True)}
    return a_job(**(ended | changes))


def test_status_tells_the_queues_the_delays_and_the_intake(office: Office) -> None:
    office.cloud.dead_letters["Events"] = 3
    office.jobs.put(a_job(outbox=()))
    office.clock.advance(90)
    assert office.run("status") == 0
    assert "EventsDeadLetterQueue    3" in office.out
    assert "oldest queued job         1 min 30 s" in office.out
    assert "intake                    open" in office.out


@pytest.mark.parametrize(("queue", "left"), [("all", (0, 0)), ("events", (0, 5)), ("webhooks", (3, 0))])
def test_dead_letters_are_delivered_again_and_none_twice(office: Office, queue: str, left: tuple[int, int]) -> None:
    office.cloud.dead_letters = {"Events": 3, "Webhooks": 5}
    assert office.run("redrive", queue, "--yes") == 0
    assert tuple(office.cloud.dead_letters.values()) == left
    assert office.audit()[0]["action"] == "dead_letters_redriven"
    assert office.run("redrive", queue, "--yes") == 0
    assert ": 0 delivered again" in office.out


def test_no_more_are_delivered_than_asked_for(office: Office) -> None:
    office.cloud.dead_letters["Webhooks"] = 5
    office.run("redrive", "webhooks", "--limit", "2", "--yes")
    assert office.cloud.dead_letters["Webhooks"] == 3


@pytest.mark.parametrize("words", [("redrive", "all"), ("replay", "0" * 24)])
def test_nothing_is_done_without_a_yes(office: Office, words: tuple[str, ...]) -> None:
    office.cloud.dead_letters["Events"] = 3
    assert office.run(*words) == 1
    assert "Nothing was done. Add --yes" in office.errors
    assert office.cloud.dead_letters["Events"] == 3


def test_a_failed_job_is_queued_anew_once_and_its_story_says_by_whom(office: Office) -> None:
    failed, live, missing = a_failed_job(), a_job(), an_id()
    office.jobs.put(failed)
    office.jobs.put(live)
    assert office.run("replay", failed.id, live.id, missing, "--yes") == 0
    assert f"{failed.id}  failed  queued, attempt 2" in office.out
    assert f"{live.id}  queued  left alone: it has not failed" in office.out
    assert f"{missing}  -       there is no such job" in office.out
    assert office.jobs.get(failed.id).history[-1].note == "retried by an operator (attempt 2)"
    assert [sent.job_id for sent in office.queue.sent] == [failed.id]
    office.run("replay", failed.id, "--yes")
    assert "left alone: it has not failed" in office.out
    assert len(office.queue.sent) == 1


def test_all_that_failed_with_a_code_of_late_are_queued_anew(office: Office) -> None:
    office.clock.advance(7_200)
    recent, rejected = a_failed_job(created_at=office.clock.now()), a_failed_job("content_rejected")
    old = a_failed_job(created_at=START - timedelta(days=1))
    for job in (recent, rejected, old):
        office.jobs.put(job)
    assert office.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert [sent.job_id for sent in office.queue.sent] == [recent.id]
    assert office.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert "No job has failed like that." in office.out


@pytest.mark.parametrize("words", [("replay",), ("replay", "0" * 24, "--code", "timeout")])
def test_a_replay_is_of_jobs_or_of_a_code(office: Office, words: tuple[str, ...]) -> None:
    assert office.run(*words, "--yes") == 1
    assert "not both" in office.errors


@pytest.mark.parametrize("span", ["2", "h", "2w", "-1h", "1.5h"])
def test_a_span_is_said_in_minutes_hours_or_days(office: Office, span: str) -> None:
    with pytest.raises(SystemExit) as ended:
        office.run("replay", "--code", "timeout", "--since", span)
    assert ended.value.code == 2
