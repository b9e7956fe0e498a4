"""Where a job stands, in words, and what an operator may do about it."""

from datetime import datetime
from typing import NamedTuple

from ops.tables import format_span
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import JobStatus, NextStep, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.timestamps import format_timestamp
from videojobs.services.reconcile_jobs import GRACE

_NOTHING = "Nothing: it goes on by itself."
_ITS_USERS = "Nothing: what its user asked for can't be made, and another attempt would end the same."


class Diagnosis(NamedTuple):
    """How it stands now, and what may be done."""

    now: str
    do: str


def diagnose(job: VideoJob, *, now: datetime, policy: StepPolicy, cap: int, ahead: int) -> Diagnosis:
    """`cap`: how many active jobs a user may have in a lane; `ahead`: how many queued ones come before this one."""
    if job.deleted_at is not None:
        gone = "its clean-up is still to be done" if job.next else "its document goes next"
        return Diagnosis(f"Deleted by its user at {format_timestamp(job.deleted_at)}; {gone}.", _NOTHING)
    if not job.is_live:
        return _say_end(job, now)
    if job.waiting_since is not None:
        waiting = format_span((now - job.waiting_since).total_seconds())
        return Diagnosis(
            f"Waits for its turn since {waiting}: {cap} of its user's jobs are active in the lane {job.priority}, "
            f"which is the most, and {ahead} wait before it.",
            "Nothing: each job that ends lets the next one in. ActiveJobsPerUser is the cap.",
        )
    if job.next is None:
        return Diagnosis("Left by the Express server; the reconciler adopts it in its next sweep.", _NOTHING)
    standing = _say_step(job, job.next, now)
    if job.started_at is None:
        return standing
    left = (job.started_at + policy.deadline - now).total_seconds()
    late = (
        f"It fails in {format_span(left)} unless it ends before."
        if left > 0
        else "Its deadline is over: the next sweep ends it."
    )
    return Diagnosis(f"{standing.now} {late}", standing.do)


def _say_step(job: VideoJob, step: NextStep, now: datetime) -> Diagnosis:
    worker = "render" if step.step is Step.RENDER else "worker"
    if job.lease is not None and job.lease.until > now:
        until = format_span((job.lease.until - now).total_seconds())
        return Diagnosis(f"The {worker} is at its {step.step}: the lease is held for another {until}.", _NOTHING)
    due_in = (step.due_at - now).total_seconds()
    if due_in > 0:
        resent = f", after its message was sent again {step.resends} times" if step.resends else ""
        return Diagnosis(f"Its {step.step} is due in {format_span(due_in)}{resent}.", _NOTHING)
    if -due_in < GRACE.total_seconds():
        return Diagnosis(f"Its {step.step} is due; the message is on its way to the {worker}.", _NOTHING)
    dead = ", and the lease of whoever worked on it has run out" if job.lease else ""
    return Diagnosis(
        f"Its {step.step} is overdue by {format_span(-due_in)}{dead}; the next sweep sends its message again.",
        "If it stays so, look at `status`: does the queue's oldest message age, does the reconciler run?",
    )


def _say_end(job: VideoJob, now: datetime) -> Diagnosis:
    ended = format_timestamp(job.updated_at)
    gone = f" Its document goes in {format_span((job.expires_at - now).total_seconds())}." if job.expires_at else ""
    if job.status is JobStatus.COMPLETED:
        took = format_span((job.updated_at - job.created_at).total_seconds())
        return Diagnosis(f"Completed at {ended}, {took} after it was accepted.{gone}", "Nothing: there is a video.")
    if job.status is JobStatus.CANCELLED:
        rest = f"Its {job.next.step} is still to be done." if job.next else "Nothing is left of it."
        return Diagnosis(f"Cancelled at {ended}. {rest}{gone}", "Its user can retry it.")
    code = job.error.code if job.error else "unknown"
    said = f"Failed at {ended} in attempt {job.attempt}, code {code}: “{job.error_message}”{gone}"
    if code in {FailureCode.CONTENT_REJECTED, FailureCode.INVALID_REQUEST}:
        return Diagnosis(said, _ITS_USERS)
    return Diagnosis(said, f"Once the cause is gone: python -m ops replay {job.id}")
