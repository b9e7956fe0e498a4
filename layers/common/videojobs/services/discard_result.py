"""Discard of a provider's result: remove what the provider wrote to the deployment's bucket."""

import logging

from videojobs.domain.errors import ProviderError
from videojobs.domain.job import VideoJob
from videojobs.ports.videos import Providers

logger = logging.getLogger(__name__)


def discard_result(job: VideoJob, *, providers: Providers) -> bool:
    """Remove the result of the job's provider task from the bucket, after it was copied or is no longer needed.

    Return False if the task has not ended or the provider fails, so that a result may be left. The lifecycle rule of
    the bucket removes it after a day.
    """
    task = job.provider
    provider = providers.get(task.name) if task else None
    if task is None or task.ref is None or provider is None:
        return True
    try:
        return provider.discard(task.ref)
    except ProviderError:
        extra = {"action": "result_not_discarded", "job_id": job.id, "provider": task.name}
        logger.warning("Provider result not discarded", extra=extra, exc_info=True)
        return False
