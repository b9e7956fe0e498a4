"""Diagnosis of a job: its state in a sentence, and what an operator can do."""

from datetime import datetime
from typing import NamedTuple

from ops.tables import format_span
from videojobs.domain.deadlines import MAXIMUM_RUNS
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import JobStatus, NextStep, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.refused_result import describe_place, refused_link
from videojobs.domain.timestamps import format_timestamp
from videojobs.services.reconcile_jobs import GRACE

_NOTHING = "Nothing. The job continues without intervention."
_INVALID_REQUEST = "Nothing. The request can't be fulfilled, and another attempt would fail too."


class Diagnosis(NamedTuple):
    """The state of a job (`now`), and what an operator can do (`do`)."""

    now: str
    do: str


def diagnose(job: VideoJob, *, now: datetime, policy: StepPolicy, cap: int, ahead: int) -> Diagnosis:
    """Return the diagnosis of a job at the time `now`, computed from its document without reading anything.

    `policy` contains the deadline of jobs, `cap` is the number of slots of a user per priority, and `ahead` is the
    number of queued jobs before this one.
    """
    if job.deleted_at is not None:
        pending = "its files are removed next" if job.next else "its document is removed next"
        return Diagnosis(f"Deleted by its user at {format_timestamp(job.deleted_at)}; {pending}.", _NOTHING)
    if not job.is_live:
        return _diagnose_ended(job, now)
    if job.waiting_since is not None:
        waiting = format_span((now - job.waiting_since).total_seconds())
        return Diagnosis(
            f"Waiting for a slot for {waiting}. The user's {cap} slots at priority {job.priority} are in use, and "
            f"{ahead} jobs are ahead.",
            "Nothing. The job is admitted when other jobs of the user end. The parameter ActiveJobsPerUser sets the "
            "number of slots.",
        )
    if job.next is None:
        return Diagnosis("Created by the former Express server; the next sweep of the reconciler adopts it.", _NOTHING)
    diagnosis = _diagnose_step(job, job.next, now)
    if job.started_at is None:
        return diagnosis
    left = (job.started_at + policy.deadline - now).total_seconds()
    deadline = (
        f"The job fails in {format_span(left)} unless it ends before."
        if left > 0
        else "Its deadline has passed; the next sweep fails the job."
    )
    return Diagnosis(f"{diagnosis.now} {deadline}", diagnosis.do)


def _diagnose_step(job: VideoJob, step: NextStep, now: datetime) -> Diagnosis:
    worker = "render" if step.step is Step.RENDER else "worker"
    if job.lease is not None and job.lease.until > now:
        until = format_span((job.lease.until - now).total_seconds())
        return Diagnosis(f"The {worker} is running the step {step.step}; its lease ends in {until}.", _NOTHING)
    due_in = (step.due_at - now).total_seconds()
    if due_in > 0:
        resent = f"; its message was resent {step.resends} times" if step.resends else ""
        return Diagnosis(f"The step {step.step} is due in {format_span(due_in)}{resent}.", _NOTHING)
    if -due_in < GRACE.total_seconds():
        return Diagnosis(f"The step {step.step} is due; its message is on the way to the {worker}.", _NOTHING)
    expired = " and the lease of its worker has expired" if job.lease else ""
    runs = f" after run {step.runs} of {MAXIMUM_RUNS}" if step.runs else ""
    overdue = f"The step {step.step} is overdue by {format_span(-due_in)}{expired}{runs}"
    return Diagnosis(
        f"{overdue}; the next sweep resends its message.",
        "If this persists, run `status`: check the oldest queued job, and that the reconciler runs.",
    )


def _diagnose_ended(job: VideoJob, now: datetime) -> Diagnosis:
    ended = format_timestamp(job.updated_at)
    expiry = (
        f" Its document expires in {format_span((job.expires_at - now).total_seconds())}." if job.expires_at else ""
    )
    if job.status is JobStatus.COMPLETED:
        took = format_span((job.updated_at - job.created_at).total_seconds())
        return Diagnosis(
            f"Completed at {ended}, {took} after it was accepted.{expiry}", "Nothing. The video is available."
        )
    if job.status is JobStatus.CANCELLED:
        rest = f"The step {job.next.step} is pending." if job.next else "No steps are pending."
        return Diagnosis(f"Cancelled at {ended}. {rest}{expiry}", "Nothing. The user can retry the job.")
    code = job.error.code if job.error else "unknown"
    state = f"Failed at {ended} in attempt {job.attempt} with code {code}: “{job.error_message}”{expiry}"
    if code in {FailureCode.CONTENT_REJECTED, FailureCode.INVALID_REQUEST}:
        return Diagnosis(state, _INVALID_REQUEST)
    link = refused_link(job)
    if link is not None and job.provider is not None:
        return Diagnosis(
            state,
            f"The result at {describe_place(link)} was refused. If it is a host of {job.provider.name}, allow it in "
            f"the parameter ProviderOptions, deploy, then run: python -m ops fetch-result {job.id}",
        )
    return Diagnosis(state, f"Fix the cause, then run: python -m ops replay {job.id}")
