"""How a job changes: one pure function for each outcome of a step. Each ends the lease, except while work goes on."""

from dataclasses import replace
from datetime import datetime, timedelta

from videojobs.domain.errors import ProviderError
from videojobs.domain.job import (
    JobError,
    JobStatus,
    Lease,
    NextStep,
    Output,
    ProviderTask,
    Step,
    StoredObject,
    VideoJob,
)

GENERATED_SHARE = 0.9
"""How much of the progress is the provider's, when its result is yet to be fetched and cut."""
RESEND_PAUSE = timedelta(seconds=30)
MAXIMUM_RESEND_PAUSE = timedelta(minutes=15)
"""The reconciler's pauses between two messages for one step: 30 s, 1 min, 2 min, … 15 min."""


def begin(job: VideoJob, provider: str, now: datetime) -> VideoJob:
    """Write down the intent to submit, before the call: a crash after it can then be told from one before it."""
    task = ProviderTask(provider, submitted_at=now)
    if job.status is JobStatus.PROCESSING:
        return replace(job, provider=task)
    note = f"started with {provider}"
    return job.moved(JobStatus.PROCESSING, now, note, provider=task, started_at=now, progress=0.0)


def submit(job: VideoJob, ref: str, now: datetime, poll_after_seconds: float | None) -> VideoJob:
    """The provider took it: ask again later, or render at once where there is nothing to wait for."""
    if job.provider is None:
        raise ValueError("begin() comes first")
    after = _then(job, Step.RENDER, now) if poll_after_seconds is None else _poll_later(job, now, poll_after_seconds)
    return replace(after, provider=replace(job.provider, ref=ref))


def wait(job: VideoJob, progress: float | None, now: datetime, poll_after_seconds: float, share: float) -> VideoJob:
    """The provider is still at it. `share` of the whole progress (0–1) is the provider's; it never goes back."""
    after = _poll_later(job, now, poll_after_seconds)
    reached = max(job.progress or 0.0, (progress or 0.0) * share)
    return after if reached == job.progress else after.changed(now, progress=reached)


def render_next(job: VideoJob, now: datetime) -> VideoJob:
    """There are pixels to make."""
    return _then(job, Step.RENDER, now)


def keep_rendering(job: VideoJob, progress: float, now: datetime, lease: Lease) -> VideoJob:
    """Report progress and renew the lease, in one write."""
    return job.changed(now, progress=max(job.progress or 0.0, progress), lease=lease)


def finish_next(job: VideoJob, output: Output, poster: StoredObject, now: datetime) -> VideoJob:
    """The files are in the bucket; the worker looks once more before anybody is told."""
    return replace(_then(job, Step.FINISH, now), output=output, poster=poster)


def render_again(job: VideoJob, now: datetime) -> VideoJob:
    """The files are not what was sent: make them once more."""
    history = job.noted(now, "the stored video is missing or cut short; rendering again")
    return replace(_then(job, Step.RENDER, now), output=None, poster=None, history=history)


def complete(job: VideoJob, video_url: str, now: datetime, retention: timedelta) -> VideoJob:
    """The end that everybody hopes for."""
    ended = {"next": None, "lease": None, "expires_at": now + retention}
    return job.moved(JobStatus.COMPLETED, now, "completed", video_url=video_url, progress=1.0, **ended)


def fail(job: VideoJob, error: ProviderError, now: datetime, retention: timedelta) -> VideoJob:
    """The other end; the user reads `error.message`."""
    ended = {"next": None, "lease": None, "expires_at": now + retention}
    reason = JobError(error.reason, retryable=error.transient)
    note = f"failed: {error.reason}"
    return job.moved(JobStatus.FAILED, now, note, error_message=error.message, error=reason, **ended)


def send_again(job: VideoJob, now: datetime) -> VideoJob:
    """Put the step's due time off for the reconciler, twice as long each time: a backlog must not double itself."""
    if job.next is None:
        raise ValueError("an ended job has no step to send")
    pause = min(RESEND_PAUSE * 2**job.next.resends, MAXIMUM_RESEND_PAUSE)
    return replace(job, next=replace(job.next, due_at=now + pause, resends=job.next.resends + 1))


def _then(job: VideoJob, step: Step, due_at: datetime) -> VideoJob:
    return replace(job, next=NextStep.new(step, due_at), lease=None)


def _poll_later(job: VideoJob, now: datetime, seconds: float) -> VideoJob:
    return _then(job, Step.POLL, now + timedelta(milliseconds=round(seconds * 1000)))
