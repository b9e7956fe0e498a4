"""Handle a provider's callback: poll the provider task now instead of at its next due time."""

import logging
from dataclasses import replace
from datetime import datetime

from videojobs.domain.job import JobId, NextStep, Step, VideoJob, is_object_id
from videojobs.ports.jobs import Clock, JobQueue, JobRepository

logger = logging.getLogger(__name__)

_SEPARATORS = "|/:# "
"""Characters that may precede the task ID in a ref, because some refs start with the model."""


def handle_callback(
    job_id: str, *, provider: str, task_id: str | None, jobs: JobRepository, queue: JobQueue, clock: Clock
) -> None:
    """Send the message of the job's poll step now, if the poll of this provider task is not due yet.

    Otherwise do nothing. The content of the callback is not trusted: the worker polls the provider. After the message
    is sent, the step's due time becomes now, so that a repeated callback sends no further message. Concurrent callbacks
    can each send one.

    Raises:
        Unavailable: If MongoDB or SQS does not respond; the provider should call again.
    """
    now = clock.now()
    job = jobs.find(JobId(job_id.lower())) if is_object_id(job_id) else None
    step = _find_poll(job, provider, task_id, now) if job is not None and task_id else None
    if job is None or step is None:
        logger.info("Callback ignored", extra={"action": "callback_ignored", "provider": provider})
        return
    queue.send(job)
    jobs.save(job, replace(job, next=step._replace(due_at=now)))  # not written if a worker has claimed the step already
    logger.info("Callback accepted", extra={"action": "callback_accepted", "job_id": job.id, "provider": provider})


def _find_poll(job: VideoJob, provider: str, task_id: str, now: datetime) -> NextStep | None:
    """Return the job's next step if it is a poll of this provider task and due after `now`, else None."""
    step, task = job.next, job.provider
    if step is None or step.step is not Step.POLL or step.due_at <= now:
        return None
    if task is None or task.name != provider or not task.ref:
        return None
    has_task = task.ref == task_id or task.ref.endswith(tuple(f"{mark}{task_id}" for mark in _SEPARATORS))
    return step if has_task else None
