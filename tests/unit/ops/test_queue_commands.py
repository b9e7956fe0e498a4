"""Commands for queues: status, redrive of dead letters and replay of failed jobs; each can be repeated."""

from datetime import timedelta

import pytest

from tests.builders import a_job, an_id
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator
from videojobs.domain.job import JobError, JobStatus, VideoJob


def a_failed_job(code: str = "timeout", **changes: object) -> VideoJob:
    """Return a failed job that a retry may help, with the changes applied."""
    ended = {"status": JobStatus.FAILED, "next": None, "outbox": (), "error": JobError(code, retryable=True)}
    return a_job(**(ended | changes))


def test_status_reports_queues_delays_and_submissions(operator: Operator) -> None:
    operator.cloud.dead_letters["Events"] = 3
    operator.jobs.put(a_job(outbox=()))
    operator.clock.advance(90)
    assert operator.run("status") == 0
    assert "EventsDeadLetterQueue    3" in operator.out
    assert "oldest queued job         1 min 30 s" in operator.out
    assert "submissions               open" in operator.out


@pytest.mark.parametrize(("queue", "left"), [("all", (0, 0)), ("events", (0, 5)), ("webhooks", (3, 0))])
def test_redrive_moves_each_dead_letter_once(operator: Operator, queue: str, left: tuple[int, int]) -> None:
    operator.cloud.dead_letters = {"Events": 3, "Webhooks": 5}
    assert operator.run("redrive", queue, "--yes") == 0
    assert tuple(operator.cloud.dead_letters.values()) == left
    assert operator.audit()[0]["action"] == "dead_letters_redriven"
    assert operator.run("redrive", queue, "--yes") == 0
    assert ": 0 moved" in operator.out


def test_redrive_moves_no_more_messages_than_the_limit(operator: Operator) -> None:
    operator.cloud.dead_letters["Webhooks"] = 5
    operator.run("redrive", "webhooks", "--limit", "2", "--yes")
    assert operator.cloud.dead_letters["Webhooks"] == 3


@pytest.mark.parametrize("arguments", [("redrive", "all"), ("replay", "0" * 24)])
def test_a_command_that_changes_anything_requires_confirmation(operator: Operator, arguments: tuple[str, ...]) -> None:
    operator.cloud.dead_letters["Events"] = 3
    assert operator.run(*arguments) == 1
    assert "Nothing was changed. Add --yes" in operator.errors
    assert operator.cloud.dead_letters["Events"] == 3


def test_replay_queues_a_failed_job_once_and_records_the_operator_in_its_history(operator: Operator) -> None:
    failed, live, missing = a_failed_job(), a_job(), an_id()
    operator.jobs.put(failed)
    operator.jobs.put(live)
    assert operator.run("replay", failed.id, live.id, missing, "--yes") == 0
    assert f"{failed.id}  failed  queued, attempt 2" in operator.out
    assert f"{live.id}  queued  unchanged: it has not failed" in operator.out
    assert f"{missing}  -       not found" in operator.out
    assert operator.jobs.get(failed.id).history[-1].note == f"retried by {operator.cloud.caller()} (attempt 2)"
    assert [sent.job_id for sent in operator.queue.sent] == [failed.id]
    operator.run("replay", failed.id, "--yes")
    assert "unchanged: it has not failed" in operator.out
    assert len(operator.queue.sent) == 1


def test_replay_leaves_a_job_unchanged_if_too_many_jobs_of_its_user_wait(operator: Operator) -> None:
    operator.slots.cap, operator.slots.maximum_waiting = 1, 1
    failed = [operator.jobs.put(a_failed_job()) for _ in range(3)]
    assert operator.run("replay", *(job.id for job in failed), "--yes") == 0
    assert f"{failed[1].id}  failed  queued, attempt 2, waiting for a slot" in operator.out
    assert f"{failed[2].id}  failed  unchanged: At most 1 of your videos" in operator.out


def test_replay_by_code_queues_all_recently_failed_jobs(operator: Operator) -> None:
    operator.clock.advance(7_200)
    recent, rejected = a_failed_job(created_at=operator.clock.now()), a_failed_job("content_rejected")
    old = a_failed_job(created_at=START - timedelta(days=1))
    for job in (recent, rejected, old):
        operator.jobs.put(job)
    assert operator.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert [sent.job_id for sent in operator.queue.sent] == [recent.id]
    assert operator.run("replay", "--code", "timeout", "--since", "30m", "--yes") == 0
    assert "No matching failed jobs." in operator.out


@pytest.mark.parametrize("arguments", [("replay",), ("replay", "0" * 24, "--code", "timeout")])
def test_replay_accepts_job_ids_or_a_code_but_not_both(operator: Operator, arguments: tuple[str, ...]) -> None:
    assert operator.run(*arguments, "--yes") == 1
    assert "not both" in operator.errors


@pytest.mark.parametrize("span", ["2", "h", "2w", "-1h", "1.5h"])
def test_a_period_is_given_in_minutes_hours_or_days(operator: Operator, span: str) -> None:
    with pytest.raises(SystemExit) as ended:
        operator.run("replay", "--code", "timeout", "--since", span)
    assert ended.value.code == 2
