"""A transition is one log event, with all that is counted of it."""

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


def told(caplog: pytest.LogCaptureFixture, before: VideoJob, after: VideoJob) -> dict[str, object]:
    """What the event says beside its message; nothing, where there is none."""
    caplog.set_level(logging.INFO)
    log_transition(before, after)
    names = ("action", "attempt", "attempts", "queue_seconds", "processing_seconds", "cost_usd", "code", "provider")
    return {name: getattr(record, name) for record in caplog.records for name in names if hasattr(record, name)}


def test_a_start_says_how_long_the_job_has_been_queued(caplog: pytest.LogCaptureFixture) -> None:
    job = a_job(created_at=START - timedelta(hours=1))
    begun = lifecycle.start_submit(job, "sketch", job.updated_at + timedelta(seconds=4))
    assert told(caplog, job, begun) == {
        "action": "job_processing",
        "attempt": 1,
        "queue_seconds": 4,
        "provider": "sketch",
    }


@pytest.mark.parametrize(("actual", "cost"), [(None, 0.96), (Decimal("1.20"), 1.2)])
def test_a_completion_says_how_long_it_took_in_how_many_attempts_and_for_how_much(
    caplog: pytest.LogCaptureFixture, actual: Decimal | None, cost: float
) -> None:
    made = Production("runway", PLAN, actual_usd=actual)
    job = a_started_job(started_at=START, attempt=5, attempts_before_retry=3, production=made)
    after = job.moved(JobStatus.COMPLETED, START + timedelta(seconds=12), "completed")
    said = told(caplog, job, after)
    assert (said["processing_seconds"], said["attempts"], said["cost_usd"]) == (12, 2, cost)


def test_a_failure_says_its_code_and_no_times(caplog: pytest.LogCaptureFixture) -> None:
    job = a_started_job()
    after = job.moved(JobStatus.FAILED, START, "failed", error=JobError("timeout", retryable=True))
    said = told(caplog, job, after)
    assert (said["action"], said["code"]) == ("job_failed", "timeout")
    assert not {"processing_seconds", "cost_usd", "queue_seconds"} & said.keys()


def test_what_costs_nothing_that_is_known_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    job = a_started_job(started_at=None, production=None)
    after = job.moved(JobStatus.COMPLETED, START, "completed")
    assert not {"processing_seconds", "cost_usd"} & told(caplog, job, after).keys()


def test_a_job_that_nobody_has_begun_with_ends_without_a_provider(caplog: pytest.LogCaptureFixture) -> None:
    job = a_job()
    said = told(caplog, job, job.moved(JobStatus.CANCELLED, START, "cancelled by the user"))
    assert said == {"action": "job_cancelled", "attempt": 1, "attempts": 1}


def test_a_job_that_stays_as_it_is_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    job = a_started_job()
    assert told(caplog, job, job) == {}
