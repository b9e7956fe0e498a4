"""Deliver one change to one webhook endpoint, with retries for hours. An endpoint that is gone is not called."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId
from videojobs.domain.webhook import GONE_FOR, WebhookDelivery, pause_after
from videojobs.ports.changes import WebhookAnswer, WebhookQueue, WebhookRepository, WebhookSender
from videojobs.ports.jobs import Clock

logger = logging.getLogger(__name__)


class WebhookOutcomes:
    """Records the outcomes of delivery attempts, and schedules retries."""

    def __init__(self, webhooks: WebhookRepository, queue: WebhookQueue, clock: Clock) -> None:
        self._webhooks, self._queue, self._clock = webhooks, queue, clock

    def postpone(self, delivery: WebhookDelivery) -> bool:
        """Send a delivery that is not due yet back to the queue. Return whether it was not due.

        Raises:
            Unavailable: If SQS does not confirm the message, which may have been accepted.
        """
        now = self._clock.now()
        if delivery.due_at is None or delivery.due_at <= now:
            return False
        self._send_later(delivery, delivery.due_at - now)
        return True

    def is_gone(self, delivery: WebhookDelivery) -> bool:
        """Return whether the endpoint responded with 410 within the last `GONE_FOR`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        gone_until = self._webhooks.find_gone_until(delivery.endpoint)
        return gone_until is not None and self.now() < gone_until

    def now(self) -> datetime:
        """Return the current time."""
        return self._clock.now()

    def record(self, delivery: WebhookDelivery, answer: WebhookAnswer, host: str | None) -> None:
        """Log the outcome of an attempt. After a failure, schedule the next attempt or store the final failure.

        A response with 410 marks the endpoint as gone, without another attempt.

        Raises:
            Unavailable: If MongoDB does not confirm the outcome or SQS the next attempt; either may have been accepted.
        """
        now = self._clock.now()
        about = {**_about(delivery), "host": host, "status": answer.status, "reason": answer.reason}
        if answer.status is not None and 200 <= answer.status < 300:
            logger.info("Webhook delivered", extra={"action": "webhook_delivered", **about})
        elif answer.status == 410:
            self._webhooks.mark_gone(delivery.endpoint, now + GONE_FOR)
            logger.warning("Webhook endpoint gone", extra={"action": "webhook_gone", **about})
        elif (pause := pause_after(delivery.attempt, answer.retry_after_seconds)) is None:
            self._webhooks.record_failure(delivery, answer.reason or f"HTTP {answer.status}", now)
            logger.error("Webhook given up", extra={"action": "webhook_given_up", **about})
        else:
            self._send_later(delivery.again(now + pause), pause)
            logger.warning("Webhook failed", extra={"action": "webhook_failed", **about})

    def _send_later(self, delivery: WebhookDelivery, pause: timedelta) -> None:
        # A pause that is longer than the maximum delay of the queue is made of several delays; see `postpone`.
        delay_seconds = min(pause.total_seconds(), self._queue.maximum_delay_seconds)
        self._queue.send_again(delivery, delay_seconds=delay_seconds)


def deliver_webhook(
    delivery: WebhookDelivery,
    url: str | None,
    *,
    read_body: Callable[[JobId], str | None],
    sender: WebhookSender,
    outcomes: WebhookOutcomes,
) -> None:
    """Make one delivery attempt, if it is due, and schedule the next one if it fails.

    Delivery is at least once: after a crash the message is delivered again, with the same event ID. The body contains
    the current state of the job, which may be newer than the event.

    Args:
        delivery: The event and the endpoint.
        url: The endpoint's URL, or None if the operator has removed it: the delivery is dropped.
        read_body: Returns the request body for a job, or None if its owner can't see the job (any more).
        sender: Signs and sends the request.
        outcomes: Records the outcome.

    Raises:
        Unavailable: If the outcome can't be stored or a later attempt can't be queued; the message should be delivered
            again.
    """
    if outcomes.postpone(delivery):
        return
    if url is None:
        _drop(delivery, "the operator has removed the URL")
        return
    try:
        if outcomes.is_gone(delivery):
            _drop(delivery, "the endpoint is gone")
            return
        body = read_body(delivery.job_id)
        if body is None:
            _drop(delivery, "the job is deleted or expired")
            return
        response = sender.send(url, delivery.event_id, body, outcomes.now())
    except Unavailable:
        logger.warning("Webhook not sent", extra={"action": "webhook_not_sent", **_about(delivery)}, exc_info=True)
        response = WebhookAnswer(None, "MongoDB or Secrets Manager was not available")
    outcomes.record(delivery, response, urlsplit(url).hostname)


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
