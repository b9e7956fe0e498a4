"""The webhooks: SQS hands it deliveries, it posts each to the platform's own backend."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.batch import process_messages
from videojobs.api.webhooks import read_delivery, serialize_webhook
from videojobs.domain.webhook import WebhookDelivery
from videojobs.observability import logger
from videojobs.services.deliver_webhook import deliver_webhook


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """An SQS batch of deliveries; answers with the messages to be delivered again."""
    return process_messages(event, read_delivery, _deliver)


def _deliver(delivery: WebhookDelivery) -> None:
    deliver_webhook(
        delivery,
        urls=bootstrap.webhook_urls(),
        show=serialize_webhook,
        jobs=bootstrap.job_repository(),
        webhooks=bootstrap.webhook_repository(),
        sender=bootstrap.webhook_sender(),
        queue=bootstrap.webhook_queue(),
        clock=bootstrap.clock(),
    )
