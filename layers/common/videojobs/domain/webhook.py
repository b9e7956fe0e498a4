"""Webhook deliveries: the event, its endpoint and the schedule of retries."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NewType, Self

from videojobs.domain.job import JobId

EndpointId = NewType("EndpointId", str)
"""ID of an endpoint, for messages and logs that must not contain its URL, which may hold a secret."""

RETRY_PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
"""Pauses after the first, second, … failed attempt. After the eighth, about 17½ h later, the delivery is given up."""
JITTER = 0.2
"""Maximum random extension of a pause, as a fraction, so that deliveries that failed together are spread out."""
GONE_FOR = timedelta(days=1)
"""How long an endpoint that responded with 410 is not called. A new URL is another endpoint."""


def name_endpoint(url: str) -> EndpointId:
    """Return an endpoint's ID: the first 16 hex digits of the SHA-256 of its URL."""
    return EndpointId(sha256(url.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """Delivery of an event to an endpoint: attempt number `attempt`, from 1, due at `due_at`, or at once if None."""

    endpoint: EndpointId
    event_id: str
    job_id: JobId
    attempt: int = 1
    due_at: datetime | None = None

    def again(self, due_at: datetime) -> Self:
        """Return the delivery's next attempt, due at `due_at`."""
        return replace(self, attempt=self.attempt + 1, due_at=due_at)


def pause_after(attempt: int, retry_after_seconds: float | None = None) -> timedelta | None:
    """Return the pause after the n-th attempt (n ≥ 1) has failed, with jitter, or None if it was the last attempt.

    It is at least `retry_after_seconds`, the receiver's `Retry-After`, if that is given.
    """
    if attempt > len(RETRY_PAUSES):
        return None
    pause = max(RETRY_PAUSES[attempt - 1], timedelta(seconds=retry_after_seconds or 0))
    return pause * (1 + JITTER * random.random())  # noqa: S311 - spreads load, not for security
