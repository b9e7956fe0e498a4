"""Log events of transitions: each transition is logged once, with the values that metrics use."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.builders import START, a_job, a_started_job
from videojobs.domain import lifecycle
from videojobs.domain.job import JobError, JobStatus, VideoJob
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.services.log_transition import log_transition

PLAN = Plan((Clip(1280, 720, 8, Decimal("0.96")),), (1280, 720), 1280, 720, 192)


def logged_fields(caplog: pytest.LogCaptureFixture, before: VideoJob, after: VideoJob) -> dict[str, object]:
    """Log the transition and return the event's fields, without the message; empty if nothing was logged."""
    caplog.set_level(logging.INFO)
    log_transition(before, after)
    names = ("action", "attempt", "attempts", "queue_seconds", "processing_seconds", "cost_usd", "code", "provider")
    return {name: getattr(record, name) for record in caplog.records for name in names if hasattr(record, name)}


def test_a_start_logs_the_time_in_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    job = a_job(created_at=START - timedelta(hours=1))
    started = lifecycle.start_submit(job, "sketch", job.updated_at + timedelta(seconds=4))
    assert logged_fields(caplog, job, started) == {
        "action": "job_processing",
        "attempt": 1,
        "queue_seconds": 4,
        "provider": "sketch",
    }


@pytest.mark.parametrize(("actual", "cost"), [(None, 0.96), (Decimal("1.20"), 1.2)])
def test_a_completion_logs_duration_attempts_and_cost(
    caplog: pytest.LogCaptureFixture, actual: Decimal | None, cost: float
) -> None:
    production = Production("runway", PLAN, actual_usd=actual)
    job = a_started_job(started_at=START, attempt=5, attempts_before_retry=3, production=production)
    after = job.moved(JobStatus.COMPLETED, START + timedelta(seconds=12), "completed")
    fields = logged_fields(caplog, job, after)
    assert (fields["processing_seconds"], fields["attempts"], fields["cost_usd"]) == (12, 2, cost)


def test_a_failure_logs_its_code_and_no_durations(caplog: pytest.LogCaptureFixture) -> None:
    job = a_started_job()
    after = job.moved(JobStatus.FAILED, START, "failed", error=JobError("timeout", retryable=True))
    fields = logged_fields(caplog, job, after)
    assert (fields["action"], fields["code"]) == ("job_failed", "timeout")
    assert not {"processing_seconds", "cost_usd", "queue_seconds"} & fields.keys()


def test_a_completion_without_start_and_production_logs_no_duration_and_no_cost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = a_started_job(started_at=None, production=None)
    after = job.moved(JobStatus.COMPLETED, START, "completed")
    assert not {"processing_seconds", "cost_usd"} & logged_fields(caplog, job, after).keys()


def test_a_job_cancelled_before_its_start_logs_no_provider(caplog: pytest.LogCaptureFixture) -> None:
    job = a_job()
    fields = logged_fields(caplog, job, job.moved(JobStatus.CANCELLED, START, "cancelled by the user"))
    assert fields == {"action": "job_cancelled", "attempt": 1, "attempts": 1}


def test_an_unchanged_job_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    job = a_started_job()
    assert logged_fields(caplog, job, job) == {}
