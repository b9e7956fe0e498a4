"""What time does to a job: when its step is due, sent again, or too late."""

from dataclasses import replace
from datetime import datetime, timedelta

from videojobs.domain.job import VideoJob
from videojobs.domain.policy import StepPolicy

RESEND_PAUSE = timedelta(seconds=30)
MAXIMUM_RESEND_PAUSE = timedelta(minutes=15)
"""The reconciler's pauses between two messages for one step: 30 s, 1 min, 2 min, … 15 min."""


def resend_later(job: VideoJob, now: datetime) -> VideoJob:
    """Put the step's due time off for the reconciler, twice as long each time: a backlog must not double itself.

    A dead lease says that somebody has begun: from now at the latest the deadline runs, also for a first step that
    fails each time. Its messages may never become dead letters, as those that meet a live lease are done with.
    """
    step = job.next
    if step is None:
        raise ValueError("an ended job has no step")
    pause = min(RESEND_PAUSE * 2 ** min(step.resends, 16), MAXIMUM_RESEND_PAUSE)
    started_at = job.started_at or (now if job.lease and job.is_live else None)
    return replace(job, next=replace(step, due_at=now + pause, resends=step.resends + 1), started_at=started_at)


def cap_to_deadline(job: VideoJob, policy: StepPolicy) -> VideoJob:
    """The job with its next step due at the deadline at the latest: no pause, whoever asked for it, outlives it."""
    if job.next is None or job.started_at is None or not job.is_live:
        return job
    due_at = min(job.next.due_at, job.started_at + policy.deadline)
    return replace(job, next=replace(job.next, due_at=due_at))


def is_past_deadline(job: VideoJob, now: datetime, policy: StepPolicy) -> bool:
    """Whether a live job should have ended by now; a job that nobody has begun with yet is not late."""
    return job.is_live and job.started_at is not None and now >= job.started_at + policy.deadline
