"""Changes that the user or the slots make to a job: wait, admit, cancel, retry, delete."""

from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    a_cancelled_job,
    a_job,
    a_lease,
    a_new_job,
    a_retried_job,
    a_started_job,
    a_step,
    a_waiting_job,
    an_id,
    an_output,
)
from tests.fakes.clock import START
from videojobs.domain import deadlines, lifecycle
from videojobs.domain.errors import IllegalTransition
from videojobs.domain.job import NOT_SCHEDULED, BatchId, JobError, JobStatus, ProviderTask, Step, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.production import MAXIMUM_PARTS
from videojobs.domain.request import Priority
from videojobs.domain.storage import StoredObject

NOW = START + timedelta(seconds=10)
POLICY = StepPolicy()
POSTER = StoredObject("videos-of-tests", "videos/1/1.jpg", 12)


def a_failed_job(**changes: Any) -> VideoJob:
    """Return a job that failed in its third attempt, with the changes applied."""
    failed = {
        "status": JobStatus.FAILED,
        "next": None,
        "attempt": 3,
        "error": JobError("timeout", retryable=True),
        "error_message": "Too late.",
        "expires_at": START + POLICY.retention,
    }
    return a_started_job(**(failed | changes))


def test_an_accepted_job_keeps_its_priority_and_its_batch() -> None:
    request, batch_id = a_new_job(priority=Priority.HIGH), BatchId(an_id())
    job = lifecycle.accept(request, job_id=an_id(), user_id=UserId(an_id()), now=NOW, batch_id=batch_id)
    assert (job.priority, job.batch_id) == (Priority.HIGH, batch_id)


class TestWaiting:
    def test_a_job_that_waits_for_a_slot_keeps_its_first_step_without_a_due_time(self) -> None:
        job = a_job()
        waiting = lifecycle.wait_for_slot(job, NOW)
        assert job.next is not None
        assert waiting.next is not None
        assert (waiting.next.step, waiting.next.due_at, waiting.waiting_since) == (Step.START, NOT_SCHEDULED, NOW)
        assert waiting.next.id != job.next.id

    def test_the_step_of_an_admitted_job_is_due_at_once(self) -> None:
        waiting = a_waiting_job()
        job = lifecycle.admit(waiting, NOW)
        assert waiting.next is not None
        assert (job.next, job.waiting_since) == (replace(waiting.next, due_at=NOW), None)

    def test_waiting_and_admission_are_not_visible_to_the_user(self) -> None:
        job = a_job()
        waiting = lifecycle.wait_for_slot(job, NOW)
        assert lifecycle.admit(waiting, NOW).version == waiting.version == job.version
        assert waiting.status is JobStatus.QUEUED

    def test_a_job_that_waits_for_a_slot_is_never_past_its_deadline(self) -> None:
        assert not deadlines.is_past_deadline(a_waiting_job(), START + timedelta(days=365), POLICY)


class TestCancellation:
    def test_a_job_that_was_not_started_is_cancelled_without_a_clean_up(self) -> None:
        cancelled = lifecycle.cancel(a_job(), NOW, POLICY)
        assert (cancelled.status, cancelled.next, cancelled.lease) == (JobStatus.CANCELLED, None, None)
        assert cancelled.expires_at == NOW + POLICY.retention
        assert cancelled.history[-1].note == "cancelled by the user"

    def test_a_cancelled_job_no_longer_waits_for_a_slot(self) -> None:
        cancelled = lifecycle.cancel(a_waiting_job(), NOW, POLICY)
        assert (cancelled.waiting_since, cancelled.next) == (None, None)

    def test_a_started_job_without_a_lease_is_cleaned_up_at_once(self) -> None:
        cancelled = lifecycle.cancel(a_started_job(), NOW, POLICY)
        assert cancelled.next is not None
        assert (cancelled.next.step, cancelled.next.due_at) == (Step.CLEAN_UP, NOW)
        assert cancelled.provider == ProviderTask("scripted", START, ref="task-1")

    def test_a_started_job_under_a_lease_is_cleaned_up_when_the_broken_lease_would_have_ended(self) -> None:
        cancelled = lifecycle.cancel(a_started_job(lease=a_lease(25)), NOW, POLICY)
        assert cancelled.next is not None
        assert (cancelled.next.due_at, cancelled.lease) == (START + timedelta(seconds=25), None)

    def test_an_expired_lease_does_not_delay_the_clean_up(self) -> None:
        cancelled = lifecycle.cancel(a_started_job(lease=a_lease(1)), NOW, POLICY)
        assert cancelled.next is not None
        assert cancelled.next.due_at == NOW

    def test_a_claimed_job_that_was_not_started_needs_no_clean_up(self) -> None:
        assert lifecycle.cancel(a_job(lease=a_lease()), NOW, POLICY).next is None

    @pytest.mark.parametrize(
        "job",
        [
            a_retried_job(),
            a_job(attempt=2, attempts_before_retry=1),
            a_started_job(Step.START, attempt=2, provider=None),
        ],
        ids=["clean-up pending", "failed before", "between two attempts"],
    )
    def test_remains_of_an_earlier_attempt_are_cleaned_up_as_well(self, job: VideoJob) -> None:
        cancelled = lifecycle.cancel(job, NOW, POLICY)
        assert cancelled.next is not None
        assert cancelled.next.step is Step.CLEAN_UP

    def test_unreachable_calls_before_the_cancel_do_not_count_against_the_clean_up(self) -> None:
        task = ProviderTask("scripted", START, ref="task-1", unreachable=9)
        cancelled = lifecycle.cancel(a_started_job(provider=task), NOW, POLICY)
        assert cancelled.provider == replace(task, unreachable=0)

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
    def test_an_ended_job_cannot_be_cancelled(self, status: JobStatus) -> None:
        with pytest.raises(IllegalTransition):
            lifecycle.cancel(a_job(status=status, next=None), NOW, POLICY)


class TestCleanUp:
    def test_a_cleaned_up_cancelled_job_has_no_step_task_or_output(self) -> None:
        job = a_cancelled_job(lease=a_lease(), output=an_output(), poster=POSTER)
        cleaned = lifecycle.finish_cleanup(job, NOW)
        assert (cleaned.next, cleaned.lease, cleaned.provider, cleaned.output, cleaned.poster) == (
            None,
            None,
            None,
            None,
            None,
        )
        assert (cleaned.status, cleaned.version) == (JobStatus.CANCELLED, job.version)

    def test_a_job_that_was_retried_meanwhile_starts_after_its_clean_up(self) -> None:
        cleaned = lifecycle.finish_cleanup(a_retried_job(lease=a_lease()), NOW)
        assert cleaned.next is not None
        assert (cleaned.next.step, cleaned.next.due_at, cleaned.lease, cleaned.provider) == (
            Step.START,
            NOW,
            None,
            None,
        )

    def test_a_cancelled_job_has_no_deadline_and_its_clean_up_is_not_brought_forward(self) -> None:
        job = a_cancelled_job(next=a_step(Step.CLEAN_UP, due_in_seconds=7200))
        assert not deadlines.is_past_deadline(job, START + timedelta(days=1), POLICY)
        assert deadlines.cap_to_deadline(job, POLICY) == job
        assert deadlines.resend_later(replace(job, started_at=None, lease=a_lease()), NOW).started_at is None


class TestRetry:
    def test_a_failed_job_is_retried_at_once_as_a_new_attempt(self) -> None:
        job = a_failed_job(output=an_output(), poster=POSTER, progress=0.7)
        retried = lifecycle.retry(job, NOW)
        assert retried.next is not None
        assert (retried.status, retried.attempt, retried.version) == (JobStatus.QUEUED, 4, job.version + 1)
        assert (retried.next.step, retried.next.due_at) == (Step.START, NOW)
        assert (retried.error, retried.error_message, retried.expires_at) == (None, None, None)
        assert (retried.provider, retried.output, retried.poster, retried.progress) == (None, None, None, None)
        assert retried.history[-1].note == "retried by the user (attempt 4)"

    def test_a_retry_gets_a_new_deadline_and_new_attempts(self) -> None:
        retried = lifecycle.retry(a_failed_job(), NOW)
        assert retried.started_at is None
        assert lifecycle.attempts_left(retried, POLICY) == POLICY.maximum_attempts - 1
        retried_again = lifecycle.retry(replace(retried, status=JobStatus.FAILED, attempt=6), NOW)
        assert (retried_again.attempt, lifecycle.attempts_left(retried_again, POLICY)) == (
            7,
            POLICY.maximum_attempts - 1,
        )

    def test_the_number_of_attempts_left_is_never_negative(self) -> None:
        assert lifecycle.attempts_left(a_failed_job(attempt=9), POLICY) == 0

    def test_a_job_retried_before_its_clean_up_is_cleaned_up_first(self) -> None:
        job = a_cancelled_job()
        retried = lifecycle.retry(job, NOW)
        assert (retried.status, retried.next, retried.provider) == (JobStatus.QUEUED, job.next, job.provider)
        assert (retried.attempt, retried.attempts_before_retry) == (2, 1)

    def test_a_retry_breaks_the_lease_of_the_clean_up(self) -> None:
        assert lifecycle.retry(a_cancelled_job(lease=a_lease()), NOW).lease is None

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED])
    def test_a_job_with_another_status_cannot_be_retried(self, status: JobStatus) -> None:
        with pytest.raises(IllegalTransition):
            lifecycle.retry(a_job(status=status), NOW)


class TestDeletion:
    def test_a_deleted_job_is_hidden(self) -> None:
        job = a_cancelled_job()
        deleted = lifecycle.delete(job, NOW)
        assert job.is_shown(NOW)
        assert not deleted.is_shown(NOW)
        assert job.next is not None
        assert deleted.next is not None
        assert (deleted.next.id, deleted.version) == (job.next.id, job.version)

    def test_a_deleted_job_gets_a_clean_up_without_a_provider_task(self) -> None:
        deleted = lifecycle.delete(a_started_job(status=JobStatus.COMPLETED, next=None), NOW)
        assert deleted.next is not None
        assert (deleted.next.step, deleted.next.due_at, deleted.provider) == (Step.CLEAN_UP, NOW, None)

    def test_a_clean_up_that_runs_during_the_deletion_is_repeated_after_its_lease(self) -> None:
        job = a_cancelled_job(lease=a_lease(25))
        deleted = lifecycle.delete(job, NOW)
        assert job.next is not None
        assert deleted.next == replace(job.next, due_at=START + timedelta(seconds=25))
        assert deleted.lease == job.lease


@pytest.mark.parametrize(("eta_seconds", "is_shown"), [(1, True), (0, False)])
def test_an_expired_job_is_hidden(eta_seconds: float, is_shown: bool) -> None:
    assert a_job(expires_at=NOW + timedelta(seconds=eta_seconds)).is_shown(NOW) is is_shown


def test_the_object_keys_cover_the_files_and_parts_of_every_attempt() -> None:
    job = a_job(attempt=2)
    kinds = ["1.mp4", "1.jpg", "1.webp", "2.mp4", "2.jpg", "2.webp"]
    parts = [f"{attempt}.part{part}.mp4" for attempt in (1, 2) for part in range(1, MAXIMUM_PARTS + 1)]
    assert job.object_keys == tuple(f"videos/{job.id}/{kind}" for kind in kinds + parts)
