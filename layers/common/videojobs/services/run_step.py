"""The worker: do the one step that is next for a job, write its outcome, and send the message of what follows."""

import logging

from videojobs.domain import deadlines, lifecycle
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobId, JobStatus, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.production import Production
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository, TimingRepository
from videojobs.ports.videos import (
    Capabilities,
    CircuitRepository,
    Generation,
    Providers,
    VideoProvider,
    VideoStore,
)
from videojobs.services.choose_provider import can_fall_back
from videojobs.services.claim_step import claim_step, save_or_stop
from videojobs.services.clean_up import cancel_at_provider, clean_up
from videojobs.services.follow_up import follow_up
from videojobs.services.start_generation import poll_pause, start_generation

logger = logging.getLogger(__name__)


def run_step(
    job_id: JobId,
    step_id: str,
    *,
    jobs: JobRepository,
    circuits: CircuitRepository,
    queue: JobQueue,
    slots: SlotRepository,
    timings: TimingRepository,
    notifier: Notifier,
    providers: Providers,
    store: VideoStore,
    clock: Clock,
    policy: StepPolicy,
) -> None:
    """Run a step at most once at a time: a message that is late, stale or a duplicate does nothing.

    The outcome is one write, guarded by the step's id and our lease; then its message is sent. A crash anywhere leaves
    either the old step under a dying lease or the new one not yet sent, and the reconciler finds both.

    Raises:
        Unavailable: MongoDB or S3 did not answer; the message should be delivered again.
    """
    job = claim_step(job_id, step_id, jobs=jobs, clock=clock, lease_duration=policy.lease_duration)
    if job is None or job.next is None:
        return
    try:
        match job.next.step:
            case Step.START | Step.POLL if deadlines.is_past_deadline(job, clock.now(), policy):
                after = _give_up(job, jobs=jobs, providers=providers, clock=clock, policy=policy)
            case Step.START:
                after = start_generation(
                    job, jobs=jobs, circuits=circuits, providers=providers, clock=clock, policy=policy
                )
            case Step.POLL:
                after = _poll(job, jobs=jobs, providers=providers, clock=clock, policy=policy)
            case Step.FINISH:
                after = _finish(job, jobs=jobs, store=store, clock=clock, policy=policy)
            case Step.CLEAN_UP:
                after = clean_up(job, jobs=jobs, providers=providers, store=store, clock=clock)
            case Step.RENDER:  # pragma: no branch - the last of them
                raise ValueError("a render step came to the worker's queue")
    except LeaseLost:
        logger.info("Lease lost", extra={"action": "lease_lost", "job_id": job_id})
        return
    follow_up(after, jobs=jobs, slots=slots, queue=queue, notifier=notifier, clock=clock)
    if after.status is JobStatus.COMPLETED and job.is_live:
        _record_time(after, timings=timings, clock=clock)


def _give_up(job: VideoJob, *, jobs: JobRepository, providers: Providers, clock: Clock, policy: StepPolicy) -> VideoJob:
    after = save_or_stop(job, lifecycle.fail(job, lifecycle.DEADLINE_EXCEEDED, clock.now(), policy), jobs=jobs)
    try:
        cancel_at_provider(after, providers=providers)
    except ProviderUnreachable:
        logger.warning("Not cancelled", extra={"action": "cancel_failed", "job_id": job.id}, exc_info=True)
    return after


def _poll(job: VideoJob, *, jobs: JobRepository, providers: Providers, clock: Clock, policy: StepPolicy) -> VideoJob:
    try:
        provider, ref = _task(job, providers)
        generation = provider.poll(ref)
    except ProviderUnreachable as error:
        after = lifecycle.retry_call(job, Step.POLL, clock.now(), error.retry_after_seconds)
    except ProviderError as error:
        has_fallback = can_fall_back(job, error, providers=providers)
        after = lifecycle.retry_or_fail(job, error, clock.now(), policy, has_fallback=has_fallback)
    else:
        after = _after_poll(job, generation, provider.capabilities, clock, policy)
    return save_or_stop(job, deadlines.cap_to_deadline(after, policy), jobs=jobs)


def _task(job: VideoJob, providers: Providers) -> tuple[VideoProvider, str]:
    if job.provider is None or job.provider.ref is None:
        raise ValueError("a poll step without a task at the provider")
    provider = providers.get(job.provider.name)
    if provider is None:  # the deployment knows it no more: nobody is left to ask
        message = "The video provider was changed while the video was being made. Please try again."
        raise ProviderError(FailureCode.RESULT_LOST, message, transient=True)
    return provider, job.provider.ref


def _after_poll(
    job: VideoJob, generation: Generation, capabilities: Capabilities, clock: Clock, policy: StepPolicy
) -> VideoJob:
    now = clock.now()
    if not generation.done:
        progress = job.production.progress(generation.progress) if job.production else generation.progress
        share = lifecycle.GENERATED_SHARE if capabilities.yields_pixels else 1.0
        seconds = poll_pause(generation.poll_after_seconds, capabilities, policy) or generation.poll_after_seconds
        return lifecycle.record_progress(job, progress, now, seconds, share)
    if capabilities.yields_pixels:
        return lifecycle.schedule_render(job, now, generation.cost_usd)
    return lifecycle.complete(job, generation.video_url or "", now, policy)


def _finish(job: VideoJob, *, jobs: JobRepository, store: VideoStore, clock: Clock, policy: StepPolicy) -> VideoJob:
    output = job.output
    if output is not None and store.size(output.video) == output.video.size_bytes:
        after = lifecycle.complete(job, output.video.url, clock.now(), policy)
    else:
        after = lifecycle.render_again(job, clock.now())
    stored = save_or_stop(job, after, jobs=jobs)
    if not stored.is_live and stored.production is not None:
        _remove_parts(stored, stored.production, store=store)
    return stored


def _remove_parts(job: VideoJob, production: Production, *, store: VideoStore) -> None:
    try:
        store.remove(part.key for part in production.parts)
    except Unavailable:  # nobody reads them any more; they go with the video
        logger.warning("Parts not removed", extra={"action": "parts_not_removed", "job_id": job.id}, exc_info=True)


def _record_time(job: VideoJob, *, timings: TimingRepository, clock: Clock) -> None:
    if job.started_at is None:
        return
    try:
        timings.record(timing_kind(job), (clock.now() - job.started_at).total_seconds())
    except Unavailable:
        # The job is done: what others are told of how long theirs may take can do without it.
        extra = {"action": "timing_not_saved", "job_id": job.id}
        logger.warning("Timing not saved", extra=extra, exc_info=True)
