"""The worker: runs the steps of jobs except `render`. It needs no media libraries."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_batch
from videojobs.domain.job import JobId
from videojobs.observability import logger
from videojobs.services.run_step import run_step
from videojobs_providers import factories

bootstrap.prepare_steps(
    bootstrap.job_dispatcher, factories.provider_router, bootstrap.video_store, bootstrap.timing_repository
)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle an SQS batch of `{jobId, stepId}`. Log failures and return the messages that SQS must deliver again."""
    return process_batch(event, _run)


def _run(job_id: JobId, step_id: str) -> None:
    run_step(
        job_id,
        step_id,
        dispatcher=bootstrap.job_dispatcher(),
        router=factories.provider_router(),
        store=bootstrap.video_store(),
        timings=bootstrap.timing_repository(),
    )
