"""The worker: do the one step that is next for a job, write its outcome, and send the message of what follows."""

import logging
from datetime import timedelta

from videojobs.domain import lifecycle
from videojobs.domain.errors import LeaseLost, ProviderError
from videojobs.domain.job import JobId, Step, VideoJob
from videojobs.ports import Clock, JobQueue, JobRepository, VideoProvider, VideoStore
from videojobs.services.claim_step import claim_step, save_or_stop
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)


def run_step(
    job_id: JobId,
    step_id: str,
    *,
    jobs: JobRepository,
    queue: JobQueue,
    provider: VideoProvider,
    store: VideoStore,
    clock: Clock,
    lease_duration: timedelta,
    retention: timedelta,
) -> None:
    """Run a step at most once at a time: a message that is late, stale or a duplicate does nothing.

    The outcome is one write, guarded by the step's id and our lease; then its message is sent. A crash anywhere leaves
    either the old step under a dying lease or the new one not yet sent, and the reconciler finds both.

    Raises:
        Unavailable: MongoDB or S3 did not answer; the message should be delivered again.
    """
    job = claim_step(job_id, step_id, jobs=jobs, clock=clock, lease_duration=lease_duration)
    if job is None or job.next is None:
        return
    try:
        try:
            match job.next.step:
                case Step.START:
                    after = _start(job, jobs=jobs, provider=provider, clock=clock)
                case Step.POLL:
                    after = _poll(job, jobs=jobs, provider=provider, clock=clock, retention=retention)
                case Step.FINISH:
                    after = _finish(job, jobs=jobs, store=store, clock=clock, retention=retention)
                case Step.RENDER:
                    raise ValueError("a render step came to the worker's queue")
        except ProviderError as error:
            after = save_or_stop(job, lifecycle.fail(job, error, clock.now(), retention), jobs=jobs)
    except LeaseLost:
        logger.info("Lease lost", extra={"action": "lease_lost", "job_id": job_id})
        return
    send_step(after, queue=queue, clock=clock)


def _start(job: VideoJob, *, jobs: JobRepository, provider: VideoProvider, clock: Clock) -> VideoJob:
    intent = save_or_stop(job, lifecycle.begin(job, provider.name, clock.now()), jobs=jobs)
    submission = provider.submit(intent, token=f"{job.id}:{job.attempt}")
    after = lifecycle.submit(intent, submission.ref, clock.now(), submission.poll_after_seconds)
    return save_or_stop(intent, after, jobs=jobs)


def _poll(
    job: VideoJob, *, jobs: JobRepository, provider: VideoProvider, clock: Clock, retention: timedelta
) -> VideoJob:
    if job.provider is None or job.provider.ref is None:
        raise ValueError("a poll step without a task at the provider")
    generation = provider.poll(job, job.provider.ref)
    now = clock.now()
    if not generation.done:
        share = lifecycle.GENERATED_SHARE if provider.capabilities.yields_pixels else 1.0
        after = lifecycle.wait(job, generation.progress, now, generation.poll_after_seconds, share)
    elif provider.capabilities.yields_pixels:
        after = lifecycle.render_next(job, now)
    else:
        after = lifecycle.complete(job, generation.video_url or "", now, retention)
    return save_or_stop(job, after, jobs=jobs)


def _finish(job: VideoJob, *, jobs: JobRepository, store: VideoStore, clock: Clock, retention: timedelta) -> VideoJob:
    output = job.output
    whole = output is not None and store.size(output.video) == output.video.size_bytes
    if output is not None and whole:
        after = lifecycle.complete(job, output.video.url, clock.now(), retention)
    else:
        after = lifecycle.render_again(job, clock.now())
    return save_or_stop(job, after, jobs=jobs)
