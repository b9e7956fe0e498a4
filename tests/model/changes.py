"""Invariants of every stored job and of every write to a job."""

from dataclasses import fields

from videojobs.domain.job import NOT_SCHEDULED, TRANSITIONS, JobStatus, Step, VideoJob
from videojobs.domain.policy import StepPolicy

VISIBLE = ("status", "video_url", "error_message", "progress", "updated_at")
AFTER_THE_END = {"outbox", "idempotency"}
"""Fields of an ended job that may change."""
CLEANING_UP = {"next", "lease", "provider", "production", "output", "poster", "preview", "deleted_at"}
"""Additional fields of a cancelled or deleted job that may change until it is cleaned up."""


def check_change(before: VideoJob, after: VideoJob, policy: StepPolicy) -> None:
    """Assert that a write is allowed."""
    check_shape(after)
    assert after.status is before.status or after.status in TRANSITIONS[before.status], "I2: not a transition"
    assert after.version >= before.version, "a version went back"
    changed = {field.name for field in fields(VideoJob) if getattr(before, field.name) != getattr(after, field.name)}
    assert not changed.intersection(VISIBLE) or after.version > before.version, (
        f"{sorted(changed)} changed without a new version"
    )
    is_retried = not before.is_live and after.is_live
    if not before.is_live and not is_retried:
        is_cleaned_up = before.next is not None or after.deleted_at is not None
        allowed = AFTER_THE_END | (CLEANING_UP if is_cleaned_up else set())
        assert changed <= allowed, f"I2: an ended job changed: {sorted(changed)}"
    assert after.attempt >= before.attempt, "the number of attempts decreased"
    assert after.attempt - after.attempts_before_retry <= policy.maximum_attempts, "I3: more attempts than allowed"
    if is_retried:
        assert (after.attempt, after.attempts_before_retry) == (before.attempt + 1, before.attempt), (
            "a retry is not a new attempt"
        )
        return
    if after.attempt == before.attempt:
        assert (after.progress or 0) >= (before.progress or 0), "progress went back within an attempt"
    if before.started_at is not None:
        assert after.started_at == before.started_at, "the deadline was postponed"


def check_shape(job: VideoJob) -> None:
    """Assert the invariants of every stored job."""
    step = job.next.step if job.next else None
    assert job.lease is None or step is not None, "a lease without a next step"
    if job.is_live:
        unadopted = job.version == 0 and job.started_at is None
        assert step is not None or unadopted, "a live job has no next step"
    else:
        is_to_clean_up = step is Step.CLEAN_UP and (job.status is JobStatus.CANCELLED or job.deleted_at is not None)
        assert step is None or is_to_clean_up, "an ended job has a next step"
        assert job.expires_at is not None, "an ended job has no expiry"
    is_never_due = job.next is not None and job.next.due_at == NOT_SCHEDULED
    assert is_never_due == (job.waiting_since is not None), (
        "a job is not scheduled and does not wait, or waits and is scheduled"
    )
    assert (job.status is JobStatus.COMPLETED) == (job.video_url is not None), "completed and videoUrl disagree"
    assert (job.status is JobStatus.FAILED) == (job.error_message is not None), "failed and errorMessage disagree"
