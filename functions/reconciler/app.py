"""The reconciler: each minute it sets going again what crashes left behind; dead letters come to it as well."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.domain.job import JobId
from videojobs.edge.batch import process_batch
from videojobs.observability import logger
from videojobs.services.reconcile_jobs import bury_dead_letter, reconcile_jobs


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """A batch from a dead-letter queue, answered with the messages to be delivered again; or the schedule's event."""
    if "Records" in event:
        return process_batch(event, _bury)
    counts = reconcile_jobs(
        jobs=bootstrap.job_repository(),
        queue=bootstrap.job_queue(),
        notifier=bootstrap.notifier(),
        clock=bootstrap.clock(),
        policy=bootstrap.step_policy(),
    )
    logger.info("Swept", extra={"action": "swept", **counts})
    return counts


def _bury(job_id: JobId, step_id: str) -> None:
    bury_dead_letter(
        job_id, step_id, jobs=bootstrap.job_repository(), clock=bootstrap.clock(), policy=bootstrap.step_policy()
    )
