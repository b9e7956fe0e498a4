"""Tell one endpoint of one change: try, try again for hours, give up; an endpoint that is gone is left alone."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import VideoJob
from videojobs.domain.webhook import GONE_FOR, EndpointId, WebhookDelivery, pause_after
from videojobs.ports.changes import WebhookAnswer, WebhookQueue, WebhookRepository, WebhookSender
from videojobs.ports.jobs import Clock, JobRepository

logger = logging.getLogger(__name__)

LONGEST_DELAY_SECONDS = 900
"""SQS's limit: a longer pause is made of several."""

type ShowWebhook = Callable[[VideoJob], str]
"""Makes the body."""


def deliver_webhook(
    delivery: WebhookDelivery,
    *,
    urls: Mapping[EndpointId, str],
    show: ShowWebhook,
    jobs: JobRepository,
    webhooks: WebhookRepository,
    sender: WebhookSender,
    queue: WebhookQueue,
    clock: Clock,
) -> None:
    """Make one attempt, if it is time for it, and see to the next one where it fails.

    At least once: a crash in between leaves the message, and the receiver gets the same event id again. The body shows
    the job as it is now, which may be further than it was at the event.

    Raises:
        Unavailable: what comes next could not be stored or sent; the message comes again.
    """
    now = clock.now()
    if delivery.due_at is not None and delivery.due_at > now:
        _send_later(delivery, delivery.due_at - now, queue=queue)
        return
    url = urls.get(delivery.endpoint)
    if url is None:
        _drop(delivery, "the operator has taken the URL away")
        return
    try:
        answer = _attempt(delivery, url, show=show, jobs=jobs, webhooks=webhooks, sender=sender, now=now)
    except Unavailable:
        logger.warning("Webhook not sent", extra={"action": "webhook_not_sent", **_about(delivery)}, exc_info=True)
        answer = WebhookAnswer(None, "our own side was not available")
    if answer is not None:
        _conclude(delivery, answer, host=urlsplit(url).hostname, webhooks=webhooks, queue=queue, now=clock.now())


def _attempt(
    delivery: WebhookDelivery,
    url: str,
    *,
    show: ShowWebhook,
    jobs: JobRepository,
    webhooks: WebhookRepository,
    sender: WebhookSender,
    now: datetime,
) -> WebhookAnswer | None:
    gone_until = webhooks.find_gone_until(delivery.endpoint)
    if gone_until is not None and now < gone_until:
        _drop(delivery, "the endpoint is gone")
        return None
    job = jobs.find(delivery.job_id)
    if job is None:
        _drop(delivery, "the job is no more")
        return None
    return sender.send(url, delivery.event_id, show(job), now)


def _conclude(
    delivery: WebhookDelivery,
    answer: WebhookAnswer,
    *,
    host: str | None,
    webhooks: WebhookRepository,
    queue: WebhookQueue,
    now: datetime,
) -> None:
    about = {**_about(delivery), "host": host, "status": answer.status, "reason": answer.reason}
    if answer.status is not None and 200 <= answer.status < 300:
        logger.info("Webhook delivered", extra={"action": "webhook_delivered", **about})
    elif answer.status == 410:
        webhooks.mark_gone(delivery.endpoint, now + GONE_FOR)
        logger.warning("Webhook endpoint gone", extra={"action": "webhook_gone", **about})
    elif (pause := pause_after(delivery.attempt)) is None:
        webhooks.record_failure(delivery, answer.reason or f"HTTP {answer.status}", now)
        logger.error("Webhook given up", extra={"action": "webhook_given_up", **about})
    else:
        _send_later(delivery.again(now + pause), pause, queue=queue)
        logger.warning("Webhook failed", extra={"action": "webhook_failed", **about})


def _send_later(delivery: WebhookDelivery, pause: timedelta, *, queue: WebhookQueue) -> None:
    queue.send_again(delivery, delay_seconds=min(pause.total_seconds(), LONGEST_DELAY_SECONDS))


def _drop(delivery: WebhookDelivery, reason: str) -> None:
    extra = {"action": "webhook_dropped", **_about(delivery), "reason": reason}
    logger.info("Webhook dropped", extra=extra)


def _about(delivery: WebhookDelivery) -> dict[str, object]:
    return {
        "endpoint": delivery.endpoint,
        "event_id": delivery.event_id,
        "job_id": delivery.job_id,
        "attempt": delivery.attempt,
    }
