"""Life cycle: the change that each outcome of a step makes to a job."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_job, a_lease, a_started_job, a_step, an_output
from tests.fakes.clock import START
from videojobs.domain import lifecycle
from videojobs.domain.errors import FailureCode, IllegalTransition, ProviderError
from videojobs.domain.job import JobError, JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.policy import BACKOFF_FIRST, StepPolicy
from videojobs.domain.storage import StoredObject

NOW = START + timedelta(seconds=10)
POLICY = StepPolicy()
POSTER = StoredObject("videos-of-tests", "videos/1/1.jpg", 12)
PREVIEW = StoredObject("videos", "videos/1/1.webp", 5)
PASSING = ProviderError(FailureCode.PROVIDER_ERROR, "The provider stumbled.", transient=True)
FINAL = ProviderError(FailureCode.CONTENT_REJECTED, "The provider refuses such videos.", transient=False)


def a_claimed_job(step: Step = Step.POLL, **changes: Any) -> VideoJob:
    """Return a started job under a lease, with the changes applied."""
    return a_started_job(step, **({"lease": a_lease()} | changes))


def test_an_intent_is_a_task_without_a_ref_under_the_same_lease() -> None:
    job = a_job(lease=a_lease())
    started = lifecycle.start_submit(job, "scripted", NOW)
    assert started.status is JobStatus.PROCESSING
    assert started.provider == ProviderTask("scripted", submitted_at=NOW)
    assert (started.lease, started.next, started.started_at, started.progress) == (job.lease, job.next, NOW, 0.0)


def test_a_second_intent_keeps_the_first_start_and_the_version() -> None:
    job = a_claimed_job(Step.START, provider=None)
    started = lifecycle.start_submit(job, "scripted", NOW)
    assert (started.started_at, started.version, started.history) == (START, job.version, job.history)
    assert started.provider == ProviderTask("scripted", submitted_at=NOW)


def test_the_history_records_the_note_about_an_earlier_intent() -> None:
    job = a_claimed_job(Step.START, provider=ProviderTask("scripted", START, unreachable=3), started_at=None)
    started = lifecycle.start_submit(job, "scripted", NOW, "unknown outcome")
    assert started.history[-1].note == "unknown outcome"
    assert started.provider == ProviderTask("scripted", NOW, unreachable=3)
    assert started.started_at == NOW


def test_the_deadline_of_a_job_that_waited_for_a_provider_starts_with_the_wait() -> None:
    waited = lifecycle.postpone(a_job(lease=a_lease()), NOW + timedelta(minutes=1), NOW)
    assert lifecycle.start_submit(waited, "scripted", NOW + timedelta(minutes=2)).started_at == NOW


def test_an_ended_job_cannot_be_started() -> None:
    with pytest.raises(IllegalTransition):
        lifecycle.start_submit(a_job(status=JobStatus.COMPLETED), "scripted", NOW)


def test_a_submitted_job_is_polled_after_the_pause_that_the_provider_requested() -> None:
    job = a_claimed_job(Step.START, provider=ProviderTask("scripted", START, unreachable=2))
    after = lifecycle.record_submission(job, "task-9", NOW, 7.5)
    assert after.next is not None
    assert (after.next.step, after.next.due_at) == (Step.POLL, NOW + timedelta(seconds=7.5))
    assert after.provider == ProviderTask("scripted", START, ref="task-9")


def test_a_submitted_job_without_a_poll_pause_is_rendered_next() -> None:
    after = lifecycle.record_submission(a_claimed_job(Step.START), "task-9", NOW, None)
    assert after.next is not None
    assert (after.next.step, after.next.due_at) == (Step.RENDER, NOW)


@pytest.mark.parametrize(
    ("stored", "reported", "expected"), [(0.0, 0.5, 0.45), (0.6, 0.5, 0.6), (0.6, None, 0.6), (None, 0.0, 0.0)]
)
def test_progress_never_decreases(stored: float | None, reported: float | None, expected: float) -> None:
    after = lifecycle.record_progress(a_claimed_job(progress=stored), reported, NOW, 5, share=0.9)
    assert after.progress == pytest.approx(expected)


def test_a_poll_without_progress_makes_no_new_version() -> None:
    job = a_claimed_job(progress=0.45, provider=ProviderTask("scripted", START, ref="task-1", unreachable=4))
    after = lifecycle.record_progress(job, 0.5, NOW, 5, share=0.9)
    assert (after.version, after.outbox) == (job.version, job.outbox)
    assert after.provider == ProviderTask("scripted", START, ref="task-1")
    assert after.next is not None
    assert after.next.due_at == NOW + timedelta(seconds=5)


@pytest.mark.parametrize("step", [Step.START, Step.POLL])
def test_an_unreachable_call_is_retried_in_the_same_attempt(step: Step) -> None:
    job = a_claimed_job(step)
    after = lifecycle.retry_call(job, step, NOW)
    assert after.next is not None
    assert after.next.step is step
    assert NOW <= after.next.due_at <= NOW + BACKOFF_FIRST
    assert after.provider is not None
    assert (after.provider.unreachable, after.attempt, after.version) == (1, job.attempt, job.version)


def test_a_job_waits_for_an_open_circuit_without_using_up_an_attempt() -> None:
    job = a_job(lease=a_lease())
    until = NOW + timedelta(minutes=1)
    after = lifecycle.postpone(job, until, NOW)
    assert after.next is not None
    assert after.next.step is Step.START
    assert until <= after.next.due_at <= until + BACKOFF_FIRST
    assert (after.status, after.attempt, after.started_at) == (JobStatus.QUEUED, job.attempt, NOW)
    assert after.history[-1].note == "waiting: the provider has been failing, next try after 10:01:10"


class TestAnotherAttempt:
    def test_another_attempt_starts_from_the_beginning_after_a_pause(self) -> None:
        job = a_claimed_job(progress=0.7, output=an_output(), poster=POSTER, preview=PREVIEW)
        after = lifecycle.retry_or_fail(job, PASSING, NOW, POLICY)
        assert after.next is not None
        assert after.next.step is Step.START
        assert NOW <= after.next.due_at <= NOW + BACKOFF_FIRST
        assert (after.status, after.attempt, after.started_at) == (JobStatus.PROCESSING, 2, START)
        assert (after.provider, after.output, after.poster, after.preview, after.progress) == (
            None,
            None,
            None,
            None,
            0.0,
        )
        assert after.version == job.version + 1
        assert "attempt 1 failed (provider_error: The provider stumbled.)" in after.history[-1].note

    def test_another_attempt_waits_as_long_as_the_provider_requested(self) -> None:
        busy = ProviderError(FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=600)
        after = lifecycle.retry_or_fail(a_claimed_job(), busy, NOW, POLICY)
        assert after.next is not None
        assert after.next.due_at == NOW + timedelta(seconds=600)

    @pytest.mark.parametrize(
        ("error", "changes"),
        [
            (FINAL, {}),
            (PASSING, {"attempt": POLICY.maximum_attempts}),
            (PASSING, {"started_at": NOW - POLICY.deadline}),
            (ProviderError(FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=3600), {}),
            (
                ProviderError(FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=3600),
                {"started_at": None},
            ),
        ],
        ids=["permanent error", "no attempt left", "past the deadline", "retry after the deadline", "not started"],
    )
    def test_a_job_fails_where_another_attempt_cannot_help(self, error: ProviderError, changes: dict[str, Any]) -> None:
        after = lifecycle.retry_or_fail(a_claimed_job(**changes), error, NOW, POLICY)
        assert after.status is JobStatus.FAILED
        assert after.error_message == error.message
        assert after.error == JobError(error.reason, retryable=error.transient)


def test_a_render_step_is_due_at_once() -> None:
    after = lifecycle.schedule_render(a_claimed_job(), NOW)
    assert after.next is not None
    assert (after.next.step, after.next.due_at) == (Step.RENDER, NOW)


def test_a_progress_report_of_the_renderer_renews_the_lease_and_never_lowers_progress() -> None:
    job = a_claimed_job(Step.RENDER, progress=0.4)
    renewed = a_lease(60)
    assert lifecycle.keep_rendering(job, 0.7, NOW, renewed).progress == 0.7
    after = lifecycle.keep_rendering(job, 0.2, NOW, renewed)
    assert (after.progress, after.lease, after.next) == (0.4, renewed, job.next)


def test_stored_files_are_checked_by_the_finish_step() -> None:
    after = lifecycle.schedule_finish(a_claimed_job(Step.RENDER), an_output(), POSTER, PREVIEW, NOW)
    assert (after.output, after.poster, after.preview) == (an_output(), POSTER, PREVIEW)
    assert after.next is not None
    assert (after.next.step, after.next.due_at) == (Step.FINISH, NOW)


def test_incomplete_files_are_rendered_again_in_the_same_attempt() -> None:
    job = a_claimed_job(Step.FINISH, output=an_output(), poster=POSTER)
    after = lifecycle.render_again(job, NOW)
    assert (after.output, after.poster, after.attempt) == (None, None, job.attempt)
    assert after.next is not None
    assert after.next.step is Step.RENDER
    assert after.history[-1].note.startswith("the stored video is missing or cut short")


def test_a_completed_job_has_a_video_and_no_next_step() -> None:
    after = lifecycle.complete(a_claimed_job(), "s3://videos/1.mp4", NOW, POLICY)
    assert (after.status, after.video_url, after.progress) == (JobStatus.COMPLETED, "s3://videos/1.mp4", 1.0)
    assert (after.next, after.lease, after.expires_at) == (None, None, NOW + POLICY.retention)


def test_a_failed_job_has_an_error_and_no_next_step() -> None:
    after = lifecycle.fail(a_claimed_job(attempt=2), FINAL, NOW, POLICY)
    assert (after.status, after.error_message) == (JobStatus.FAILED, "The provider refuses such videos.")
    assert after.error == JobError("content_rejected", retryable=False)
    assert (after.next, after.lease, after.expires_at) == (None, None, NOW + POLICY.retention)
    assert after.history[-1].note == "failed in attempt 2 (content_rejected)"


OUTCOMES = {
    "submitted": lambda job: lifecycle.record_submission(job, "ref", NOW, 5),
    "wait": lambda job: lifecycle.record_progress(job, 0.5, NOW, 5, 1.0),
    "retry_call": lambda job: lifecycle.retry_call(job, Step.POLL, NOW),
    "postpone": lambda job: lifecycle.postpone(job, NOW, NOW),
    "retry": lambda job: lifecycle.retry_or_fail(job, PASSING, NOW, POLICY),
    "schedule_render": lambda job: lifecycle.schedule_render(job, NOW),
    "schedule_finish": lambda job: lifecycle.schedule_finish(job, an_output(), POSTER, PREVIEW, NOW),
    "render_again": lambda job: lifecycle.render_again(job, NOW),
}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_every_outcome_ends_the_lease_and_sets_a_new_step(outcome: Any) -> None:
    job = a_claimed_job()
    after = outcome(job)
    assert after.lease is None
    assert after.next.id != job.next.id
    assert (after.next.resends, after.next.runs) == (0, 0)
    assert after.next.due_at.microsecond % 1000 == 0


class TestAdoption:
    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
    def test_an_adopted_job_of_the_express_server_keeps_its_status(self, status: JobStatus) -> None:
        job = a_job(status=status, next=None, version=0, history=(), outbox=())
        after = lifecycle.adopt(job, NOW, POLICY)
        assert after.next is not None
        assert (after.next.step, after.next.due_at) == (Step.START, NOW)
        assert (after.status, after.started_at, after.history[-1].note) == (status, NOW, "adopted")

    @pytest.mark.parametrize(
        "impossible",
        [
            {"prompt": ""},
            {"style": "sepia"},
            {"style": ""},
            {"aspect_ratio": "2:1"},
            {"duration": None},
            {"duration": 0},
        ],
        ids=str,
    )
    def test_an_adopted_job_with_an_invalid_request_fails_with_a_message(self, impossible: dict[str, Any]) -> None:
        after = lifecycle.adopt(a_job(next=None, **impossible), NOW, POLICY)
        assert after.status is JobStatus.FAILED
        assert after.error == JobError("invalid_request", retryable=False)
        assert after.error_message == "The request for this video isn't valid. Please submit a new one."


@pytest.mark.parametrize("outcome", [lifecycle.wait_for_slot, lifecycle.admit])
def test_an_ended_job_cannot_wait_for_a_slot(outcome: Any) -> None:
    with pytest.raises(ValueError, match="no step"):
        outcome(a_job(next=None), NOW)


@pytest.mark.parametrize("outcome", [OUTCOMES["submitted"], OUTCOMES["wait"], OUTCOMES["retry_call"]])
def test_an_outcome_without_a_provider_task_raises_value_error(outcome: Any) -> None:
    with pytest.raises(ValueError, match="start_submit"):
        outcome(a_job(next=a_step()))
