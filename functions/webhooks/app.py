"""The webhooks: posts each delivery in the webhooks queue to its endpoint."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_messages
from videojobs.api.webhooks import read_delivery, serialize_webhook
from videojobs.domain.job import JobId
from videojobs.domain.webhook import WebhookDelivery
from videojobs.observability import logger
from videojobs.services.deliver_webhook import deliver_webhook
from videojobs.services.read_job import find_shown

bootstrap.use_boto3()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle an SQS batch of deliveries. Log failures and return the messages that SQS must deliver again."""
    return process_messages(event, read_delivery, _deliver)


def _deliver(delivery: WebhookDelivery) -> None:
    deliver_webhook(
        delivery,
        bootstrap.webhook_urls().get(delivery.endpoint),
        read_body=_read_body,
        sender=bootstrap.webhook_sender(),
        outcomes=bootstrap.webhook_outcomes(),
    )


def _read_body(job_id: JobId) -> str | None:
    job = find_shown(job_id, jobs=bootstrap.job_repository(), clock=bootstrap.clock())
    return None if job is None else serialize_webhook(job)
