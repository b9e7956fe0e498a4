"""Worker: run a job's next step, store its outcome, and send the message of the following step."""

import logging

from videojobs.domain import confirmation, deadlines, lifecycle
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobId, JobStatus, Step, VideoJob
from videojobs.domain.production import Production
from videojobs.ports.jobs import Clock, TimingRepository
from videojobs.ports.videos import Capabilities, Generation, Providers, VideoProvider, VideoStore
from videojobs.services.claim_step import claim_step, return_run
from videojobs.services.clean_up import cancel_at_provider, clean_up
from videojobs.services.discard_result import discard_result
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.start_generation import poll_pause, start_generation

logger = logging.getLogger(__name__)


def run_step(
    job_id: JobId,
    step_id: str,
    *,
    dispatcher: JobDispatcher,
    router: ProviderRouter,
    store: VideoStore,
    timings: TimingRepository,
) -> None:
    """Run a job's next step, at most once at a time. Do nothing for a message that is stale or a duplicate.

    The outcome is one write, guarded by the step's ID and the lease; then the next step's message is sent. After a
    crash, the job has either the old step with an expiring lease, or a new step whose message was not sent. The
    reconciler finds both and sends the message. If `MAXIMUM_RUNS` runs have ended without an outcome, the job fails.

    Raises:
        Unavailable: If MongoDB or S3 does not respond, or the secret with the provider's key can't be read; the message
            should be delivered again.
        ValueError: If the settings of a provider are invalid.
    """
    job = claim_step(job_id, step_id, dispatcher=dispatcher)
    if job is None or job.next is None:
        return
    try:
        match job.next.step:
            case Step.START | Step.POLL if deadlines.is_past_deadline(job, dispatcher.clock.now(), dispatcher.policy):
                after = _give_up(job, lifecycle.DEADLINE_EXCEEDED, dispatcher=dispatcher, providers=router.providers)
            case Step.START | Step.POLL | Step.FINISH if deadlines.is_out_of_runs(job):
                after = _give_up(job, lifecycle.INTERNAL_FAILURE, dispatcher=dispatcher, providers=router.providers)
            case Step.START:
                after = start_generation(job, dispatcher=dispatcher, router=router)
            case Step.POLL:
                after = _poll(job, dispatcher=dispatcher, router=router)
            case Step.FINISH:
                after = _finish(job, dispatcher=dispatcher, store=store)
            case Step.CLEAN_UP:
                after = clean_up(job, dispatcher=dispatcher, providers=router.providers, store=store)
            case Step.RENDER:  # pragma: no branch - the last case
                raise ValueError("a render step came to the worker's queue")
    except LeaseLost:
        logger.info("Lease lost; outcome not stored", extra={"action": "lease_lost", "job_id": job_id})
        return
    except Unavailable:
        return_run(job, dispatcher=dispatcher)
        raise
    dispatcher.dispatch(after)
    if after.status is JobStatus.COMPLETED and job.is_live:
        _record_time(after, timings=timings, clock=dispatcher.clock)
        discard_result(after, providers=router.providers)


def _give_up(job: VideoJob, error: ProviderError, *, dispatcher: JobDispatcher, providers: Providers) -> VideoJob:
    after = dispatcher.commit(job, lifecycle.fail(job, error, dispatcher.clock.now(), dispatcher.policy))
    try:
        cancel_at_provider(after, providers=providers)
    except ProviderUnreachable:
        extra = {"action": "cancel_failed", "job_id": job.id}
        logger.warning("Provider task not cancelled; its job has failed", extra=extra, exc_info=True)
    return after


def _poll(job: VideoJob, *, dispatcher: JobDispatcher, router: ProviderRouter) -> VideoJob:
    clock, policy = dispatcher.clock, dispatcher.policy
    try:
        provider, ref = _task(job, router.providers)
        generation = provider.poll(ref)
    except ProviderUnreachable as error:
        after = lifecycle.retry_call(job, Step.POLL, clock.now(), error.retry_after_seconds)
    except ProviderError as error:
        has_fallback = router.can_fall_back(job, error)
        after = confirmation.retry_failed_call(job, Step.POLL, error, clock.now(), policy, has_fallback=has_fallback)
    else:
        after = _after_poll(job, generation, provider.capabilities, dispatcher)
    return dispatcher.commit(job, after)


def _task(job: VideoJob, providers: Providers) -> tuple[VideoProvider, str]:
    if job.provider is None or job.provider.ref is None:
        raise ValueError("a poll step without a task at the provider")
    provider = providers.get(job.provider.name)
    if provider is None:  # the deployed code no longer supports the provider
        message = "The video provider was changed while the video was being made. Please try again."
        raise ProviderError(FailureCode.RESULT_LOST, message, transient=True)
    return provider, job.provider.ref


def _after_poll(
    job: VideoJob, generation: Generation, capabilities: Capabilities, dispatcher: JobDispatcher
) -> VideoJob:
    now, policy = dispatcher.clock.now(), dispatcher.policy
    if not generation.done:
        progress = job.production.progress(generation.progress) if job.production else generation.progress
        share = lifecycle.GENERATED_SHARE if capabilities.yields_pixels else 1.0
        seconds = poll_pause(generation.poll_after_seconds, capabilities, policy) or generation.poll_after_seconds
        return lifecycle.record_progress(job, progress, now, seconds, share)
    if capabilities.yields_pixels:
        return lifecycle.schedule_render(job, now, generation.cost_usd)
    return lifecycle.complete(job, generation.video_url or "", now, policy)


def _finish(job: VideoJob, *, dispatcher: JobDispatcher, store: VideoStore) -> VideoJob:
    output = job.output
    if output is not None and store.size(output.video) == output.video.size_bytes:
        after = lifecycle.complete(job, output.video.url, dispatcher.clock.now(), dispatcher.policy)
    else:
        after = lifecycle.render_again(job, dispatcher.clock.now())
    stored = dispatcher.commit(job, after)
    if not stored.is_live and stored.production is not None:
        _remove_parts(stored, stored.production, store=store)
    return stored


def _remove_parts(job: VideoJob, production: Production, *, store: VideoStore) -> None:
    try:
        store.remove(part.key for part in production.parts)
    except Unavailable:  # the parts are not used any more, and are removed with the job
        logger.warning("Parts not removed", extra={"action": "parts_not_removed", "job_id": job.id}, exc_info=True)


def _record_time(job: VideoJob, *, timings: TimingRepository, clock: Clock) -> None:
    if job.started_at is None:
        return
    try:
        timings.record(timing_kind(job), (clock.now() - job.started_at).total_seconds())
    except Unavailable:
        # The job has completed. Estimates for other jobs do not need every duration.
        extra = {"action": "timing_not_saved", "job_id": job.id}
        logger.warning("Timing not saved", extra=extra, exc_info=True)
