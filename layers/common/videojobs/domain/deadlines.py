"""Deadlines: when a step is due, when its message is sent again, and when a job has timed out or used up its runs."""

from dataclasses import replace
from datetime import datetime, timedelta

from videojobs.domain.job import VideoJob
from videojobs.domain.policy import StepPolicy

RESEND_PAUSE = timedelta(seconds=30)
MAXIMUM_RESEND_PAUSE = timedelta(minutes=5)
"""The reconciler's pauses between two messages for the same step are 30 s, 1 min, 2 min, 4 min, 5 min, 5 min, …

The longest pause is also the longest time that a job waits after an outage in which its messages were not processed.
"""
MAXIMUM_RUNS = 10
"""How many runs of one step may end without an outcome, for example because each run exceeds its function's memory."""


def resend_later(job: VideoJob, now: datetime) -> VideoJob:
    """Return the job with its step due later and its resend count increased by one.

    The pause doubles with each resend, so that a backlog does not fill the queue with duplicates. If a live job has an
    expired lease, a worker has started it before: its deadline then runs from now at the latest. Otherwise a first step
    that raises an error each time would never time out.

    Raises:
        ValueError: If the job has no next step.
    """
    step = job.next
    if step is None:
        raise ValueError("an ended job has no step")
    pause = min(RESEND_PAUSE * 2 ** min(step.resends, 16), MAXIMUM_RESEND_PAUSE)
    started_at = job.started_at or (now if job.lease and job.is_live else None)
    return replace(job, next=step._replace(due_at=now + pause, resends=step.resends + 1), started_at=started_at)


def cap_to_deadline(job: VideoJob, policy: StepPolicy) -> VideoJob:
    """Return the job with its next step due at the deadline at the latest, so that no pause lasts longer.

    A job that has ended, or that has not started, is returned unchanged.
    """
    if job.next is None or job.started_at is None or not job.is_live:
        return job
    due_at = min(job.next.due_at, job.started_at + policy.deadline)
    return replace(job, next=job.next._replace(due_at=due_at))


def is_past_deadline(job: VideoJob, now: datetime, policy: StepPolicy) -> bool:
    """Return whether a live job has reached its deadline. A job that has not started has no deadline yet."""
    return job.is_live and job.started_at is not None and now >= job.started_at + policy.deadline


def is_out_of_runs(job: VideoJob) -> bool:
    """Return whether the step of a live job that was just claimed has had `MAXIMUM_RUNS` earlier runs."""
    return job.is_live and job.next is not None and job.next.runs > MAXIMUM_RUNS
