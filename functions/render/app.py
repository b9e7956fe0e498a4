"""The renderer: renders videos and stores them. The only function with the media layer; it has its own queues."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_batch
from videojobs.domain.job import JobId
from videojobs.observability import logger
from videojobs.services.render_video import render_video
from videojobs_providers import factories

bootstrap.use_boto3()
bootstrap.prepare_steps(bootstrap.job_dispatcher, factories.providers, bootstrap.video_renderer, bootstrap.video_store)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle an SQS batch of `{jobId, stepId}`. Log failures and return the messages that SQS must deliver again."""
    return process_batch(event, _render)


def _render(job_id: JobId, step_id: str) -> None:
    render_video(
        job_id,
        step_id,
        dispatcher=bootstrap.job_dispatcher(),
        providers=factories.providers(),
        renderer=bootstrap.video_renderer(),
        store=bootstrap.video_store(),
    )
