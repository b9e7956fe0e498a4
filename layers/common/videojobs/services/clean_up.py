"""Stop and remove what a cancelled job had begun, its task at the provider and its files; and all of a deleted job."""

import logging
from dataclasses import replace

from videojobs.domain import lifecycle
from videojobs.domain.errors import LeaseLost, ProviderError, ProviderUnreachable
from videojobs.domain.job import Step, VideoJob
from videojobs.ports.videos import Providers, UnknownSubmit, VideoProvider, VideoStore
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

CANCEL_TRIES = 5
"""How often a provider that gives no answer is asked to stop; then its task is left to it."""


def clean_up(job: VideoJob, *, dispatcher: JobDispatcher, providers: Providers, store: VideoStore) -> VideoJob:
    """Cancel the task of the job's last run and remove its files. Remove the document of a deleted job.

    Returns:
        The job as it is stored then, or as it was removed.

    Raises:
        LeaseLost: If the job has changed meanwhile.
        Unavailable: If MongoDB or S3 does not answer; the message should be delivered again.
    """
    now = dispatcher.clock.now
    # A retried job's files are those of the attempts before: a worker that is late must not remove the new ones.
    run = replace(job, attempt=job.attempts_before_retry) if job.is_live else job
    try:
        cancel_at_provider(run, providers=providers)
    except ProviderUnreachable as error:
        if job.provider is not None and job.provider.unreachable + 1 < CANCEL_TRIES:
            return dispatcher.commit(job, lifecycle.retry_call(job, Step.CLEAN_UP, now(), error.retry_after_seconds))
        logger.warning("Not cancelled", extra={"action": "cancel_failed", "job_id": job.id}, exc_info=True)
    store.remove(run.object_keys)
    after = lifecycle.finish_cleanup(job, now())
    if job.deleted_at is None:
        return dispatcher.commit(job, after)
    if not dispatcher.jobs.remove(job):
        raise LeaseLost
    logger.info("Job removed", extra={"action": "job_removed", "job_id": job.id})
    return after


def cancel_at_provider(job: VideoJob, *, providers: Providers) -> None:
    """Ask the provider to stop the job's task, if there may be one, the provider is known, and it can.

    Raises:
        ProviderUnreachable: it gave no answer.
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
            logger.info("Cancelled at the provider", extra=extra)
    except ProviderUnreachable:
        raise
    except ProviderError:
        logger.warning("Not cancelled", extra={"action": "cancel_failed", "job_id": job.id}, exc_info=True)


def _find_ref(job: VideoJob, *, provider: VideoProvider) -> str | None:
    """The newest attempt's that has a task: those that its user asked for and cancelled at once never had one."""
    for attempt in range(job.attempt, 0, -1):
        found = provider.find(token=replace(job, attempt=attempt).generation_token)
        if found is not None:
            return found.ref
    return None
