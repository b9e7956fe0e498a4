"""Continuation of a failed job whose finished result was refused."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_job, a_lease, a_started_job
from tests.fakes.clock import START
from videojobs.domain import confirmation, lifecycle
from videojobs.domain.errors import FailureCode, ProviderError, UnconfirmedFailure
from videojobs.domain.job import JobError, JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.refused_result import describe_place, fetch_again, refused_link, start_fetch

NOW = START + timedelta(hours=5)
POLICY = StepPolicy()
LINK = "https://results.example.com/a/video.mp4?signature=1"
TASK = ProviderTask("scripted", START, "task-1", unreachable=2, failing_since=START, result_url=LINK)


def a_refused_job(**changes: Any) -> VideoJob:
    """Return a job that failed because the host of its result was not allowed, with the changes applied."""
    failed = {
        "status": JobStatus.FAILED,
        "next": None,
        "provider": TASK,
        "progress": 0.9,
        "error": JobError("provider_error", retryable=False),
        "error_message": "Not set up.",
        "expires_at": START + POLICY.retention,
    }
    return a_started_job(**(failed | changes))


def test_a_continued_job_keeps_its_attempt_task_and_progress_and_loses_its_failure() -> None:
    job = a_refused_job(attempt=2)
    queued = fetch_again(job, NOW, "an operator")
    assert queued.next is not None
    assert (queued.status, queued.next.step, queued.next.due_at) == (JobStatus.QUEUED, Step.START, NOW)
    assert (queued.attempt, queued.progress, queued.version) == (2, 0.9, job.version + 1)
    assert queued.provider == ProviderTask("scripted", START, "task-1", result_url=LINK)
    assert (queued.error, queued.error_message, queued.expires_at, queued.started_at) == (None, None, None, None)
    assert queued.history[-1].note == "the result is fetched again for an operator (attempt 2)"


def test_the_deadline_of_a_continued_job_counts_from_the_start_of_the_fetch() -> None:
    queued = fetch_again(a_refused_job(), NOW, "an operator")
    later = NOW + timedelta(minutes=3)
    begun = start_fetch(queued, later)
    assert begun.next is not None
    assert (begun.status, begun.next.step, begun.next.due_at) == (JobStatus.PROCESSING, Step.RENDER, later)
    assert (begun.started_at, begun.lease, begun.provider) == (later, None, queued.provider)


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.FAILED}))
def test_a_job_with_another_status_is_not_continued(status: JobStatus) -> None:
    with pytest.raises(ValueError, match="only a failed job"):
        fetch_again(a_refused_job(status=status), NOW, "an operator")


@pytest.mark.parametrize(
    "task", [None, ProviderTask("scripted", START, "task-1"), ProviderTask("scripted", START, result_url=LINK)]
)
def test_a_job_without_a_refused_result_is_not_continued(task: ProviderTask | None) -> None:
    job = a_refused_job(provider=task)
    assert refused_link(job) is None
    with pytest.raises(ValueError, match="only a failed job"):
        fetch_again(job, NOW, "an operator")


def test_a_deleted_job_has_no_refused_result() -> None:
    assert refused_link(lifecycle.delete(a_refused_job(), NOW)) is None


@pytest.mark.parametrize("error_type", [ProviderError, UnconfirmedFailure])
def test_a_failure_of_the_fetch_never_starts_another_attempt(error_type: type[ProviderError]) -> None:
    error = error_type(FailureCode.RESULT_LOST, "It is gone.", transient=True)
    job = start_fetch(fetch_again(a_refused_job(), NOW, "an operator"), NOW)
    at = NOW
    while job.is_live:
        job = confirmation.retry_failed_call(job, Step.RENDER, error, at, POLICY)
        at += timedelta(seconds=20)
    assert (job.status, job.attempt, job.error) == (JobStatus.FAILED, 1, JobError("result_lost", retryable=True))
    assert refused_link(job) == LINK


def test_other_jobs_get_their_next_attempt() -> None:
    error = ProviderError(FailureCode.RESULT_LOST, "It is gone.", transient=True)
    after = confirmation.retry_failed_call(a_started_job(lease=a_lease()), Step.RENDER, error, START, POLICY)
    assert (after.is_live, after.attempt) == (True, 2)
    assert refused_link(a_job()) is None


@pytest.mark.parametrize(
    ("link", "place"),
    [
        (LINK, "https://results.example.com/a"),
        ("https://user:word@results.example.com/video.mp4#x", "https://results.example.com"),
        ("https://results.example.com?token=1/2", "https://results.example.com"),
        ("gs://bucket/video.mp4", "gs://bucket"),
        ("https://storage.googleapis.com/bucket/secret/x.mp4", "https://storage.googleapis.com/bucket"),
    ],
)
def test_the_place_of_a_link_contains_no_secret(link: str, place: str) -> None:
    assert describe_place(link) == place
