"""One log event for each transition of a job, with what there is to be counted of it (observability.METRICS)."""

import logging

from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.trace import following

logger = logging.getLogger(__name__)


def log_transition(before: VideoJob, after: VideoJob, *, level: int = logging.INFO, because: str = "") -> None:
    """Say that a job has gone from one status to another, as part of its own story; nothing, where it has not.

    `queue_seconds`: from when it was queued to its first start. `processing_seconds`: from there to the end.
    `attempts`: those of this run. `cost_usd`: what the provider says, else what was estimated; absent where nothing is
    known. `because`: what ended it, where that was not the step itself.
    """
    if after.status in {before.status, JobStatus.QUEUED}:  # a submit and a retry have log lines of their own
        return
    extra: dict[str, object] = {"action": f"job_{after.status}", "job_id": after.id, "attempt": after.attempt}
    if because:
        extra["because"] = because
    if after.provider is not None:
        extra["provider"] = after.provider.name
    if after.status is JobStatus.PROCESSING:
        extra["queue_seconds"] = (after.updated_at - before.updated_at).total_seconds()
    else:
        extra["attempts"] = after.attempt - after.attempts_before_retry
    if after.status is JobStatus.COMPLETED and after.started_at is not None:
        extra["processing_seconds"] = (after.updated_at - after.started_at).total_seconds()
    if after.status is JobStatus.COMPLETED and after.production is not None and after.production.cost_usd is not None:
        extra["cost_usd"] = float(after.production.cost_usd)
    if after.error is not None:
        extra["code"] = after.error.code
    with following(after.traceparent):
        logger.log(level, "Job %s", after.status, extra=extra)
