"""Operators look at the queues, have dead letters delivered and failed jobs done again; each may be repeated."""

from datetime import timedelta

import pytest

from tests.builders import a_job, an_id
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator
from videojobs.domain.job import JobError, JobStatus, VideoJob


def a_failed_job(code: str = "timeout", **changes: object) -> VideoJob:
    """One that another attempt may help."""
    ended = {"status": JobStatus.FAILED, "next": None, "outbox": (), "error": JobError(code, retryable=True)}
    return a_job(**(ended | changes))


def test_status_tells_the_queues_the_delays_and_the_intake(operator: Operator) -> None:
    operator.cloud.dead_letters["Events"] = 3
    operator.jobs.put(a_job(outbox=()))
    operator.clock.advance(90)
    assert operator.run("status") == 0
    assert "EventsDeadLetterQueue    3" in operator.out
    assert "oldest queued job         1 min 30 s" in operator.out
    assert "intake                    open" in operator.out


@pytest.mark.parametrize(("queue", "left"), [("all", (0, 0)), ("events", (0, 5)), ("webhooks", (3, 0))])
def test_dead_letters_are_delivered_again_and_none_twice(operator: Operator, queue: str, left: tuple[int, int]) -> None:
    operator.cloud.dead_letters = {"Events": 3, "Webhooks": 5}
    assert operator.run("redrive", queue, "--yes") == 0
    assert tuple(operator.cloud.dead_letters.values()) == left
    assert operator.audit()[0]["action"] == "dead_letters_redriven"
    assert operator.run("redrive", queue, "--yes") == 0
    assert ": 0 delivered again" in operator.out


def test_no_more_are_delivered_than_asked_for(operator: Operator) -> None:
    operator.cloud.dead_letters["Webhooks"] = 5
    operator.run("redrive", "webhooks", "--limit", "2", "--yes")
    assert operator.cloud.dead_letters["Webhooks"] == 3


@pytest.mark.parametrize("words", [("redrive", "all"), ("replay", "0" * 24)])
def test_nothing_is_done_without_a_yes(operator: Operator, words: tuple[str, ...]) -> None:
    operator.cloud.dead_letters["Events"] = 3
    assert operator.run(*words) == 1
    assert "Nothing was done. Add --yes" in operator.errors
    assert operator.cloud.dead_letters["Events"] == 3


def test_a_failed_job_is_queued_anew_once_and_its_story_says_by_whom(operator: Operator) -> None:
    failed, live, missing = a_failed_job(), a_job(), an_id()
    operator.jobs.put(failed)
    operator.jobs.put(live)
    assert operator.run("replay", failed.id, live.id, missing, "--yes") == 0
    assert f"{failed.id}  failed  queued, attempt 2" in operator.out
    assert f"{live.id}  queued  left alone: it has not failed" in operator.out
    assert f"{missing}  -       there is no such job" in operator.out
    assert operator.jobs.get(failed.id).history[-1].note == "retried by an operator (attempt 2)"
    assert [sent.job_id for sent in operator.queue.sent] == [failed.id]
    operator.run("replay", failed.id, "--yes")
    assert "left alone: it has not failed" in operator.out
    assert len(operator.queue.sent) == 1


def test_all_that_failed_with_a_code_of_late_are_queued_anew(operator: Operator) -> None:
    operator.clock.advance(7_200)
    recent, rejected = a_failed_job(created_at=operator.clock.now()), a_failed_job("content_rejected")
    old = a_failed_job(created_at=START - timedelta(days=1))
    for job in (recent, rejected, old):
        operator.jobs.put(job)
    assert operator.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert [sent.job_id for sent in operator.queue.sent] == [recent.id]
    assert operator.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert "No job has failed like that." in operator.out


@pytest.mark.parametrize("words", [("replay",), ("replay", "0" * 24, "--code", "timeout")])
def test_a_replay_is_of_jobs_or_of_a_code(operator: Operator, words: tuple[str, ...]) -> None:
    assert operator.run(*words, "--yes") == 1
    assert "not both" in operator.errors


@pytest.mark.parametrize("span", ["2", "h", "2w", "-1h", "1.5h"])
def test_a_span_is_said_in_minutes_hours_or_days(operator: Operator, span: str) -> None:
    with pytest.raises(SystemExit) as ended:
        operator.run("replay", "--code", "timeout", "--since", span)
    assert ended.value.code == 2
