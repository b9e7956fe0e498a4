"""Handle a provider's callback: poll the provider task now instead of at its next due time."""

import logging

from videojobs.domain.job import JobId, Step, VideoJob, is_object_id
from videojobs.ports.jobs import JobQueue, JobRepository

logger = logging.getLogger(__name__)

_SEPARATORS = "|/:# "
"""Characters that may precede the task ID in a ref, because some refs start with the model."""


def handle_callback(job_id: str, *, provider: str, task_id: str | None, jobs: JobRepository, queue: JobQueue) -> None:
    """Send the message of the job's poll step now, if the job waits for this provider task. Otherwise do nothing.

    The content of the callback is not trusted and nothing is stored: the worker polls the provider. A repeated callback
    causes another poll.

    Raises:
        Unavailable: If MongoDB or SQS does not respond; the provider should call again.
    """
    job = jobs.find(JobId(job_id.lower())) if is_object_id(job_id) else None
    if job is None or not task_id or not _waits_for(job, provider, task_id):
        logger.info("Callback ignored", extra={"action": "callback_ignored", "provider": provider})
        return
    queue.send(job)
    logger.info("Callback accepted", extra={"action": "callback_accepted", "job_id": job.id, "provider": provider})


def _waits_for(job: VideoJob, provider: str, task_id: str) -> bool:
    task = job.provider
    if job.next is None or job.next.step is not Step.POLL or task is None or task.name != provider or not task.ref:
        return False
    return task.ref == task_id or task.ref.endswith(tuple(f"{mark}{task_id}" for mark in _SEPARATORS))
