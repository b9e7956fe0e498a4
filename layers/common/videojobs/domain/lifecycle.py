"""Changes of a job, as pure functions that return the changed job. Those that end a step also end its lease.

They raise IllegalTransition if a status must not follow, and ValueError if the job lacks the step or task they need.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from videojobs.domain.errors import FailureCode, ProviderError, ResultRefused
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
"""Share of the job's progress that the provider's work counts for, if its result is fetched and cut afterwards."""

LONGEST_SECONDS = 3600  # a damaged duration of the Express server must not cause endless work
DEADLINE_EXCEEDED = ProviderError(
    FailureCode.TIMEOUT, "The video was not finished before its deadline. Please try again.", transient=True
)
INTERNAL_FAILURE = ProviderError(
    FailureCode.INTERNAL_ERROR, "The video failed because of an internal error. Please try again.", transient=True
)


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
    """Return a new queued job, with a start step due now and an announcement in its outbox."""
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
        seed=request.seed,
        negative_prompt=request.negative_prompt,
        sound=request.sound,
        resolution=request.resolution,
    )


def wait_for_slot(job: VideoJob, now: datetime) -> VideoJob:
    """Return the job waiting for a slot, because its user has none free. Its step gets a new ID and no due time."""
    return replace(job, next=NextStep.new(_next(job).step, NOT_SCHEDULED), waiting_since=now)


def admit(job: VideoJob, now: datetime) -> VideoJob:
    """Return the waiting job admitted, with its step due now."""
    return replace(job, next=_next(job)._replace(due_at=now), waiting_since=None)


def start_submit(
    job: VideoJob, provider: str, now: datetime, note: str = "", production: Production | None = None
) -> VideoJob:
    """Return the job in processing, with the intent to submit, to be stored before the call to the provider.

    An intent without a `ref` later shows that the submit may have arrived. `production`: the plan with the parts so
    far, or None if the provider makes the whole video in one task.
    """
    unreachable = job.provider.unreachable if job.provider else 0
    task = ProviderTask(provider, submitted_at=now, unreachable=unreachable)
    started_at = job.started_at or now
    notes = [note] if note else []
    if production is not None and production.is_shortened and production != job.production:
        notes.append(f"the prompt was shortened to the limit of {provider}")
    if job.status is not JobStatus.PROCESSING:
        note = "; ".join([f"started with {provider}", *notes])
        begun = {"provider": task, "production": production, "started_at": started_at, "progress": 0.0}
        return job.moved(JobStatus.PROCESSING, now, note, **begun)
    history = job.noted(now, "; ".join(notes)) if notes else job.history
    after = replace(job, provider=task, history=history, started_at=started_at)
    return after if production == job.production else after.changed(now, production=production)


def record_submission(job: VideoJob, ref: str, now: datetime, poll_after_seconds: float | None) -> VideoJob:
    """Return the job with the provider task's `ref` and its next step: a poll after the pause, else rendering."""
    after = _then(job, Step.RENDER, now) if poll_after_seconds is None else _poll_after(job, now, poll_after_seconds)
    return replace(after, provider=_task(job)._replace(ref=ref, unreachable=0))


def record_progress(
    job: VideoJob, progress: float | None, now: datetime, poll_after_seconds: float, share: float
) -> VideoJob:
    """Return the job with its next poll, and its progress raised to `progress` × `share` (both 0–1) if that is more."""
    task = _task(job)._replace(unreachable=0, failing_since=None)
    after = replace(_poll_after(job, now, poll_after_seconds), provider=task)
    reached = max(job.progress or 0.0, (progress or 0.0) * share)
    return after if reached == job.progress else after.changed(now, progress=reached)


def retry_call(job: VideoJob, step: Step, now: datetime, retry_after_seconds: float | None = None) -> VideoJob:
    """Return the job with `step` due again in the same attempt, after a call without a response. The pauses grow."""
    unreachable = _task(job).unreachable + 1
    after = _then(job, step, now + backoff(unreachable, retry_after_seconds))
    return replace(after, provider=_task(job)._replace(unreachable=unreachable))


def postpone(job: VideoJob, until: datetime, now: datetime) -> VideoJob:
    """Return the job with its start step due a short random pause after `until`, in the same attempt.

    Its time until the deadline counts from now, unless the job has started before.
    """
    note = f"waiting: the provider has been failing, next try after {until:%H:%M:%S}"
    due_at = until + backoff(1)
    return replace(_then(job, Step.START, due_at), started_at=job.started_at or now, history=job.noted(now, note))


def retry_or_fail(
    job: VideoJob, error: ProviderError, now: datetime, policy: StepPolicy, *, has_fallback: bool = False
) -> VideoJob:
    """Return the job in its next attempt, or failed if none can help, none is left or the deadline comes first.

    With `has_fallback` the next attempt starts at once, with another provider; the failed provider is not used again
    until the user retries the job. Otherwise finished parts are kept, so that they are not paid for again.
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
    """Return how many attempts remain. Those before the last call of `retry` do not count."""
    return max(policy.maximum_attempts - (job.attempt - job.attempts_before_retry), 0)


def schedule_render(job: VideoJob, now: datetime, cost_usd: Decimal | None = None) -> VideoJob:
    """Return the job with its render step due now, and the cost that the provider reported added, if any."""
    task = job.provider and job.provider._replace(failing_since=None)
    production = job.production and job.production.paid(cost_usd)
    return replace(_then(job, Step.RENDER, now), provider=task, production=production)


def schedule_part(job: VideoJob, stored: StoredObject, now: datetime) -> VideoJob:
    """Return the job with a stored part added to its production, and the start of the next part due now."""
    if job.production is None:
        raise ValueError("there are no parts without a plan")
    return replace(_then(job, Step.START, now), provider=None, production=job.production.with_part(stored))


def keep_rendering(job: VideoJob, progress: float, now: datetime, lease: Lease) -> VideoJob:
    """Return the job with a renewed lease, and its progress raised to `progress` if that is more."""
    return job.changed(now, progress=max(job.progress or 0.0, progress), lease=lease)


def schedule_finish(
    job: VideoJob, output: Output, poster: StoredObject, preview: StoredObject, now: datetime
) -> VideoJob:
    """Return the job with its stored files and its finish step due now, in which the worker verifies the video."""
    return replace(_then(job, Step.FINISH, now), output=output, poster=poster, preview=preview)


def render_again(job: VideoJob, now: datetime) -> VideoJob:
    """Return the job without its files and with its render step due now, because the stored video is not complete."""
    history = job.noted(now, "the stored video is missing or cut short; rendering again")
    return replace(_then(job, Step.RENDER, now), output=None, poster=None, preview=None, history=history)


def complete(job: VideoJob, video_url: str, now: datetime, policy: StepPolicy) -> VideoJob:
    """Return the job completed, with its video's URL and the time when it expires."""
    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}
    return job.moved(JobStatus.COMPLETED, now, "completed", video_url=video_url, progress=1.0, **ended)


def fail(job: VideoJob, error: ProviderError, now: datetime, policy: StepPolicy) -> VideoJob:
    """Return the job failed, with `error.message` for its user and the time when it expires.

    The link of a result at a host that is not allowed is kept with the provider task, for an operator.
    """
    ended = {"next": None, "lease": None, "expires_at": now + policy.retention}
    reason = JobError(error.reason, retryable=error.transient)
    note = f"failed in attempt {job.attempt} ({error.reason})"
    task = job.provider
    if isinstance(error, ResultRefused) and task is not None and error.link:
        task = task._replace(result_url=error.link)
    return job.moved(JobStatus.FAILED, now, note, error_message=error.message, error=reason, provider=task, **ended)


def cancel(job: VideoJob, now: datetime, policy: StepPolicy) -> VideoJob:
    """Return the job cancelled. If an attempt has begun, its clean-up is due now, or when the current lease expires."""
    begun = job.provider is not None or job.production is not None or job.attempt > 1
    due_at = max(now, job.lease.until) if job.lease else now
    ended = {
        "next": NextStep.new(Step.CLEAN_UP, due_at) if begun else None,
        "lease": None,
        "waiting_since": None,
        "provider": job.provider and job.provider._replace(unreachable=0),
        "expires_at": now + policy.retention,
    }
    return job.moved(JobStatus.CANCELLED, now, "cancelled by the user", **ended)


def finish_cleanup(job: VideoJob, now: datetime) -> VideoJob:
    """Return the job after its clean-up: due to start now if it was retried meanwhile, else without a next step."""
    clean = replace(job, provider=None, production=None, output=None, poster=None, preview=None)
    return _then(clean, Step.START, now) if job.is_live else replace(clean, next=None, lease=None)


def retry(job: VideoJob, now: datetime, by: str = "the user", seed: int | None = None) -> VideoJob:
    """Return the job queued in a new attempt, with attempts and time like a new job. A pending clean-up runs first.

    With a `seed`, the parts that are not finished yet are made with it.
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
    fresh |= {} if seed is None else {"seed": seed}
    return job.moved(JobStatus.QUEUED, now, f"retried by {by} (attempt {job.attempt + 1})", **fresh, **attempts)


def delete(job: VideoJob, now: datetime) -> VideoJob:
    """Return the ended job deleted: hidden from its owner, with a clean-up step that removes its files and document.

    The step's due time changes, so that a clean-up or retry that has read the job before fails its guarded write.
    """
    if job.next is None:
        return replace(job, next=NextStep.new(Step.CLEAN_UP, now), provider=None, deleted_at=now)
    due_at = max(job.lease.until if job.lease else now, job.next.due_at + timedelta(milliseconds=1))
    return replace(job, next=job.next._replace(due_at=due_at), deleted_at=now)


def can_be_made(job: VideoJob) -> bool:
    """Return whether the job has a prompt, a known style and ratio, and a duration of up to `LONGEST_SECONDS`."""
    known = job.style in set(Style) and job.aspect_ratio in set(AspectRatio)
    return bool(job.prompt) and known and 0 < (job.duration or 0) <= LONGEST_SECONDS


def adopt(job: VideoJob, now: datetime, policy: StepPolicy) -> VideoJob:
    """Return a job that the Express server left live with its start due now, or failed if `can_be_made` is false."""
    if not can_be_made(job):
        refusal = "The request for this video isn't valid. Please submit a new one."
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
