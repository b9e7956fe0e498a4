"""How a job changes: one pure function for each outcome of a step. Each ends the lease, except while work goes on."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import (
    NOT_SCHEDULED,
    Announcement,
    BatchId,
    HistoryEntry,
    IdempotencyKey,
    JobError,
    JobId,
    JobStatus,
    Lease,
    NextStep,
    Output,
    ProviderTask,
    Step,
    UserId,
    VideoJob,
)
from videojobs.domain.policy import StepPolicy, backoff
from videojobs.domain.production import Production
from videojobs.domain.request import AspectRatio, NewJob, Style
from videojobs.domain.storage import StoredObject

GENERATED_SHARE = 0.9
"""How much of the progress is the provider's, when its result is yet to be fetched and cut."""

DEADLINE_EXCEEDED = ProviderError(
    FailureCode.TIMEOUT, "The video could not be made in time. Please try again.", transient=True
)
INTERNAL_FAILURE = ProviderError(
    FailureCode.INTERNAL_ERROR, "Something went wrong on our side while making the video. Please try again.",
    transient=True,
)  # fmt: skip


def accept(
    request: NewJob,
    *,
    job_id: JobId,
    user_id: UserId,
    now: datetime,
    idempotency: IdempotencyKey | None = None,
    batch_id: BatchId | None = None,
    traceparent: str | None = None,
) -> VideoJob:
    """A new job with its first step, due now."""
    return VideoJob(
        id=job_id,
        user_id=user_id,
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        status=JobStatus.QUEUED,
        created_at=now,
        updated_at=now,
        version=1,
        next=NextStep.new(Step.START, due_at=now),
        outbox=(Announcement.of(1, now),),
        history=(HistoryEntry(now, JobStatus.QUEUED, "accepted"),),
        idempotency=idempotency,
        priority=request.priority,
        batch_id=batch_id,
        requested_provider=request.provider,
        traceparent=traceparent,
    )


def wait_for_slot(job: VideoJob, now: datetime) -> VideoJob:
    """Hold a job back whose user has as many active ones as allowed: its step stays, due at no time."""
    return replace(job, next=NextStep.new(_next(job).step, NOT_SCHEDULED), waiting_since=now)


def admit(job: VideoJob, now: datetime) -> VideoJob:
    """There is room for it now."""
    return replace(job, next=replace(_next(job), due_at=now), waiting_since=None)


def start_submit(
    job: VideoJob, provider: str, now: datetime, note: str = "", production: Production | None = None
) -> VideoJob:
    """Write down the intent to submit, before the call: a crash after it can then be told from one before it.

    `production`: the plan that the provider is to carry out, where it does not make whatever is asked for.
    """
    unreachable = job.provider.unreachable if job.provider else 0
    task = ProviderTask(provider, submitted_at=now, unreachable=unreachable)
    started_at = job.started_at or now
    notes = [note] if note else []
    if production is not None and production.is_shortened and production != job.production:
        notes.append(f"the prompt was shortened to what {provider} takes")
    if job.status is not JobStatus.PROCESSING:
        note = "; ".join([f"started with {provider}", *notes])
        begun = {"provider": task, "production": production, "started_at": started_at, "progress": 0.0}
        return job.moved(JobStatus.PROCESSING, now, note, **begun)
    history = job.noted(now, "; ".join(notes)) if notes else job.history
    after = replace(job, provider=task, history=history, started_at=started_at)
    return after if production == job.production else after.changed(now, production=production)


def record_submission(job: VideoJob, ref: str, now: datetime, poll_after_seconds: float | None) -> VideoJob:
    """The provider took it: ask again later, or render at once where there is nothing to wait for."""
    after = _then(job, Step.RENDER, now) if poll_after_seconds is None else _poll_after(job, now, poll_after_seconds)
    return replace(after, provider=replace(_task(job), ref=ref, unreachable=0))


def record_progress(
    job: VideoJob, progress: float | None, now: datetime, poll_after_seconds: float, share: float
) -> VideoJob:
    """The provider is still at it. `share` of the whole progress (0–1) is the provider's; it never goes back."""
    after = replace(_poll_after(job, now, poll_after_seconds), provider=replace(_task(job), unreachable=0))
    reached = max(job.progress or 0.0, (progress or 0.0) * share)
    return after if reached == job.progress else after.changed(now, progress=reached)


def retry_call(job: VideoJob, step: Step, now: datetime, retry_after_seconds: float | None = None) -> VideoJob:
    """The provider gave no answer: the same step later, in the same attempt, after ever longer pauses."""
    unreachable = _task(job).unreachable + 1
    after = _then(job, step, now + backoff(unreachable, retry_after_seconds))
    return replace(after, provider=replace(_task(job), unreachable=unreachable))


def postpone(job: VideoJob, until: datetime, now: datetime) -> VideoJob:
    """The provider's circuit is open: start later, at no attempt's cost. The deadline runs from now at the latest."""
    note = f"waiting: the provider has been failing, next try after {until:%H:%M:%S}"
    due_at = until + backoff(1)
    return replace(_then(job, Step.START, due_at), started_at=job.started_at or now, history=job.noted(now, note))


def retry_or_fail(
    job: VideoJob, error: ProviderError, now: datetime, policy: StepPolicy, *, has_fallback: bool = False
) -> VideoJob:
    """Another attempt if one can help, is left, and would begin before the deadline; else the end.

    With a `has_fallback` the next attempt is another provider's: at once, and never again this one's in this run. Parts
    that the same provider has made stay; nobody pays for them again.
    """
    pause = timedelta(0) if has_fallback else backoff(job.attempt, error.retry_after_seconds)
    started_at = job.started_at or now
    helps = error.transient or has_fallback
    if not helps or not attempts_left(job, policy) or now + pause >= started_at + policy.deadline:
        return fail(job, error, now, policy)
    exhausted_providers = (*job.exhausted_providers, _task(job).name) if has_fallback else job.exhausted_providers
    note = f"attempt {job.attempt} failed ({error.reason}: {error.message}); next one in {pause.total_seconds():.0f} s"
    fresh = {
        "attempt": job.attempt + 1,
        "provider": None,
        "output": None,
        "poster": None,
        "preview": None,
        "progress": 0.0,
        "exhausted_providers": exhausted_providers,
        "production": None if has_fallback else job.production,
    }
    after = _then(job, Step.START, now + pause)
    return after.changed(now, history=job.noted(now, note), **fresh)


def attempts_left(job: VideoJob, policy: StepPolicy) -> int:
    """How many more attempts it may have before its user has to ask for another."""
    return max(policy.maximum_attempts - (job.attempt - job.attempts_before_retry), 0)


def schedule_render(job: VideoJob, now: datetime, cost_usd: Decimal | None = None) -> VideoJob:
    """There are pixels to make, or to fetch; with what the provider says that they have cost."""
    return replace(_then(job, Step.RENDER, now), production=job.production and job.production.paid(cost_usd))


def schedule_part(job: VideoJob, stored: StoredObject, now: datetime) -> VideoJob:
    """One part lies in the bucket: the next one is to be generated."""
    if job.production is None:
        raise ValueError("there are no parts without a plan")
    return replace(_then(job, Step.START, now), provider=None, production=job.production.with_part(stored))


def keep_rendering(job: VideoJob, progress: float, now: datetime, lease: Lease) -> VideoJob:
    """Report progress and renew the lease, in one write."""
    return job.changed(now, progress=max(job.progress or 0.0, progress), lease=lease)


def schedule_finish(
    job: VideoJob, output: Output, poster: StoredObject, preview: StoredObject, now: datetime
) -> VideoJob:
    """The files are in the bucket; the worker looks once more before anybody is told."""
    return replace(_then(job, Step.FINISH, now), output=output, poster=poster, preview=preview)


def render_again(job: VideoJob, now: datetime) -> VideoJob:
    """The files are not what was sent: make them once more."""
    history = job.noted(now, "the stored video is missing or cut short; rendering again")
    return replace(_then(job, Step.RENDER, now), output=None, poster=None, preview=None, history=history)


def complete(job: VideoJob, video_url: str, now: datetime, policy: StepPolicy) -> VideoJob:
    """The end that everybody hopes for."""
    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}
    return job.moved(JobStatus.COMPLETED, now, "completed", video_url=video_url, progress=1.0, **ended)


def fail(job: VideoJob, error: ProviderError, now: datetime, policy: StepPolicy) -> VideoJob:
    """The other end; the user reads `error.message`."""
    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}
    reason = JobError(error.reason, retryable=error.transient)
    note = f"failed in attempt {job.attempt} ({error.reason})"
    return job.moved(JobStatus.FAILED, now, note, error_message=error.message, error=reason, **ended)


def cancel(job: VideoJob, now: datetime, policy: StepPolicy) -> VideoJob:
    """The user wants it no more. What was begun is cleaned up by the worker, when whoever is at it has lost the lease.

    A job that nobody has begun with in any attempt leaves nothing behind.
    """
    begun = job.provider is not None or job.production is not None or job.attempt > 1
    due_at = max(now, job.lease.until) if job.lease else now
    ended = {
        "next": NextStep.new(Step.CLEAN_UP, due_at) if begun else None,
        "lease": None,
        "waiting_since": None,
        "provider": job.provider and replace(job.provider, unreachable=0),
        "expires_at": now + policy.retention,
    }
    return job.moved(JobStatus.CANCELLED, now, "cancelled by the user", **ended)


def finish_cleanup(job: VideoJob, now: datetime) -> VideoJob:
    """Nothing is left of what was begun: a job that its user has retried meanwhile starts, all others are at rest."""
    clean = replace(job, provider=None, production=None, output=None, poster=None, preview=None)
    return _then(clean, Step.START, now) if job.is_live else replace(clean, next=None, lease=None)


def retry(job: VideoJob, now: datetime, by: str = "the user") -> VideoJob:
    """It is wanted after all: a new attempt, with as many after it and as much time as a new job has.

    If its last run is still to be cleaned up, that comes first.
    """
    fresh = dict.fromkeys(("error", "error_message", "progress", "started_at", "expires_at", "lease"))
    if job.next is None:
        fresh |= {
            "provider": None,
            "output": None,
            "poster": None,
            "preview": None,
            "next": NextStep.new(Step.START, now),
        }
    attempts = {"attempt": job.attempt + 1, "attempts_before_retry": job.attempt, "exhausted_providers": ()}
    note = f"retried by {by} (attempt {job.attempt + 1})"
    return job.moved(JobStatus.QUEUED, now, note, **fresh, **attempts)


def delete(job: VideoJob, now: datetime) -> VideoJob:
    """Show it to nobody any more; an ended job only. What is left of it goes with its clean-up, however late.

    Who has seen it before, to clean it up or retry it, must not write over that: its step is another by its due time.
    """
    if job.next is None:
        return replace(job, next=NextStep.new(Step.CLEAN_UP, now), provider=None, deleted_at=now)
    due_at = max(job.lease.until if job.lease else now, job.next.due_at + timedelta(milliseconds=1))
    return replace(job, next=replace(job.next, due_at=due_at), deleted_at=now)


def can_be_made(job: VideoJob) -> bool:
    """Whether it asks for something possible; what the Express server stored was checked less."""
    known = job.style in set(Style) and job.aspect_ratio in set(AspectRatio)
    return bool(job.prompt) and known and bool(job.duration)


def adopt(job: VideoJob, now: datetime, policy: StepPolicy) -> VideoJob:
    """A job that the Express server left unfinished: start it, in its own status; nothing is known of its past.

    One that asks for what was never possible fails with words.
    """
    if not can_be_made(job):
        refusal = "This video can't be made from what was asked for. Please ask again."
        return fail(job, ProviderError(FailureCode.INVALID_REQUEST, refusal, transient=False), now, policy)
    after = _then(job, Step.START, now)
    return replace(after, started_at=now, history=job.noted(now, "adopted"))


def _next(job: VideoJob) -> NextStep:
    if job.next is None:
        raise ValueError("an ended job has no step")
    return job.next


def _task(job: VideoJob) -> ProviderTask:
    if job.provider is None:
        raise ValueError("start_submit() comes first")
    return job.provider


def _then(job: VideoJob, step: Step, due_at: datetime) -> VideoJob:
    return replace(job, next=NextStep.new(step, _whole_milliseconds(due_at)), lease=None)


def _poll_after(job: VideoJob, now: datetime, seconds: float) -> VideoJob:
    return _then(job, Step.POLL, now + timedelta(seconds=seconds))


def _whole_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
