"""What is remembered of endpoints: those that are gone, in `webhooks`, and what was given up, in `webhookfailures`."""

from datetime import datetime, timedelta

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.webhook import EndpointId, WebhookDelivery

ENDPOINTS = "webhooks"
FAILURES = "webhookfailures"
FAILURES_KEPT_FOR = timedelta(days=30)
"""MongoDB removes a failure then, by its TTL index."""


class MongoWebhookRepository:
    """See `ports.WebhookRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """By `_id`."""
        found: Document | None = self._connection.run(lambda database: database[ENDPOINTS].find_one({"_id": endpoint}))
        return found["goneUntil"] if found else None

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Set it, whatever was there."""
        update = {"$set": {"goneUntil": until}}
        self._connection.run(lambda database: database[ENDPOINTS].update_one({"_id": endpoint}, update, upsert=True))

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """One document for an event and endpoint, however often it is recorded."""
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
