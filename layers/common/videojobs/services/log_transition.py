"""Log event for each transition of a job, with the values that `observability.METRICS` counts."""

import logging

from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.trace import following

logger = logging.getLogger(__name__)


def log_transition(before: VideoJob, after: VideoJob, *, level: int = logging.INFO, because: str = "") -> None:
    """Log a change of a job's status, as part of the job's trace. Do nothing if the status is unchanged or queued.

    The event has these fields: `queue_seconds`, from the submission or retry to the start, and `processing_seconds`,
    from the start to completion. `attempts`, those since the last retry. `cost_usd` of a completed job, as reported by
    the provider or else estimated, if either is known. `because`, the reason, if it is not the step's outcome.
    """
    if after.status in {before.status, JobStatus.QUEUED}:  # submits and retries have their own log lines
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
