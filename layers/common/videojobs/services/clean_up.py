"""Clean-up of cancelled and deleted jobs: stop the provider task, remove the files, remove a deleted job."""

import logging
from dataclasses import replace

from videojobs.domain import lifecycle
from videojobs.domain.errors import LeaseLost, ProviderError, ProviderUnreachable
from videojobs.domain.job import Step, VideoJob
from videojobs.ports.videos import Providers, UnknownSubmit, VideoProvider, VideoStore
from videojobs.services.discard_result import discard_result
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

DISCARD_TRIES = 20
"""How often the result of a task that can't be cancelled is looked for: for about 40 minutes, with growing pauses."""
CANCEL_TRIES = 5
"""How often the cancellation of a task is tried if the provider does not respond. After that, the task is left."""


def clean_up(job: VideoJob, *, dispatcher: JobDispatcher, providers: Providers, store: VideoStore) -> VideoJob:
    """Cancel the provider task of the job's last run and remove its files. Remove the document of a deleted job.

    If the provider does not respond, schedule another clean-up instead, up to `CANCEL_TRIES` times in all. Do the same
    up to `DISCARD_TRIES` times while a task runs that will write its result to the bucket.

    Returns:
        The job as stored afterwards; for a deleted job, its last state.

    Raises:
        LeaseLost: If the job has changed meanwhile.
        Unavailable: If MongoDB or S3 does not respond, or the secret with the provider's key can't be read; the message
            should be delivered again.
        ValueError: If the settings of the provider are invalid.
    """
    now = dispatcher.clock.now
    # Of a retried job only the files of earlier attempts are removed, so that a late worker does not remove new ones.
    run = replace(job, attempt=job.attempts_before_retry) if job.is_live else job
    try:
        cancel_at_provider(run, providers=providers)
    except ProviderUnreachable as error:
        if job.provider is not None and job.provider.unreachable + 1 < CANCEL_TRIES:
            return dispatcher.commit(job, lifecycle.retry_call(job, Step.CLEAN_UP, now(), error.retry_after_seconds))
        extra = {"action": "cancel_failed", "job_id": job.id}
        logger.warning("Provider task not cancelled; the provider does not respond", extra=extra, exc_info=True)
    is_discarded = discard_result(run, providers=providers)
    if not is_discarded and not job.is_live and _tries(job) < DISCARD_TRIES:  # a retried job does not wait
        return dispatcher.commit(job, lifecycle.retry_call(job, Step.CLEAN_UP, now()))
    store.remove(run.object_keys)
    after = lifecycle.finish_cleanup(job, now())
    if job.deleted_at is None:
        return dispatcher.commit(job, after)
    if not dispatcher.jobs.remove(job):
        raise LeaseLost
    logger.info("Job removed", extra={"action": "job_removed", "job_id": job.id})
    return after


def _tries(job: VideoJob) -> int:
    return 1 + (job.provider.unreachable if job.provider else 0)


def cancel_at_provider(job: VideoJob, *, providers: Providers) -> None:
    """Cancel the job's provider task, if there may be a task and the provider is known and supports cancellation.

    If the provider refuses or fails, the error is logged and not raised.

    Raises:
        ProviderUnreachable: If the provider does not respond; the task may have been cancelled.
        Unavailable: If the secret with the provider's key can't be read.
        ValueError: If the settings of the provider are invalid.
    """
    task = job.provider
    provider = providers.get(task.name) if task else None
    if task is None or provider is None or not provider.capabilities.can_cancel:
        return
    try:
        ref = task.ref
        if ref is None and provider.capabilities.unknown_submit is UnknownSubmit.FIND:
            ref = _find_ref(job, provider=provider)
        if ref is not None:
            stopped = provider.cancel(ref)
            extra = {"action": "provider_cancelled", "job_id": job.id, "provider": task.name, "stopped": stopped}
            logger.info("Cancellation requested at the provider", extra=extra)
    except ProviderUnreachable:
        raise
    except ProviderError:
        extra = {"action": "cancel_failed", "job_id": job.id}
        logger.warning("Provider task not cancelled; the provider refused or failed", extra=extra, exc_info=True)


def _find_ref(job: VideoJob, *, provider: VideoProvider) -> str | None:
    """Return the ref of the newest attempt with a task. Attempts that were cancelled before they started have none."""
    for attempt in range(job.attempt, 0, -1):
        submission = provider.find(token=replace(job, attempt=attempt).generation_token)
        if submission is not None:
            return submission.ref
    return None
