"""Repository of webhook endpoints that are gone (`webhooks`) and of abandoned deliveries (`webhookfailures`)."""

from datetime import datetime, timedelta

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_one, to_time
from videojobs.domain.webhook import EndpointId, WebhookDelivery

ENDPOINTS = "webhooks"
FAILURES = "webhookfailures"
FAILURES_KEPT_FOR = timedelta(days=30)
"""How long an abandoned delivery is stored; the TTL index then removes it."""


class MongoWebhookRepository:
    """Webhook endpoints and abandoned deliveries in MongoDB. Implements `ports.WebhookRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """Return when deliveries to the endpoint may resume, or None if it never reported that it is gone.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        document: Document | None = self._connection.run(
            lambda database: database[ENDPOINTS].find_one({"_id": endpoint})
        )
        return read_one(document, lambda endpoint: Fields(endpoint).require("goneUntil", to_time), "endpoint")

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Store that the endpoint gets no deliveries before `until`; replaces an earlier time.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        update = {"$set": {"goneUntil": until}}
        self._connection.run(lambda database: database[ENDPOINTS].update_one({"_id": endpoint}, update, upsert=True))

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Store an abandoned delivery; idempotent by event and endpoint.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        document = {
            "endpoint": delivery.endpoint,
            "eventId": delivery.event_id,
            "jobId": delivery.job_id,
            "attempts": delivery.attempt,
            "reason": reason,
            "givenUpAt": now,
            "expiresAt": now + FAILURES_KEPT_FOR,
        }
        key = {"_id": f"{delivery.event_id}:{delivery.endpoint}"}
        self._connection.run(
            lambda database: database[FAILURES].update_one(key, {"$setOnInsert": document}, upsert=True)
        )
