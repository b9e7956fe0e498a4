"""A webhook on its way: which event goes to which endpoint, and when it is tried again."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NewType, Self

from videojobs.domain.job import JobId

EndpointId = NewType("EndpointId", str)
"""Names an endpoint where its URL, which may hold a secret, must not stand; another URL is another endpoint."""

RETRY_PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
"""How long to wait after the first, second … failed attempt; after one more the delivery is given up, 17½ h on."""
JITTER = 0.2
"""The largest share that is waited longer, so that what failed together doesn't come back together."""
GONE_FOR = timedelta(days=1)
"""How long an endpoint that said 410 is left alone, unless its URL changes before."""


def name_endpoint(url: str) -> EndpointId:
    """The first 16 hex digits of the URL's SHA-256."""
    return EndpointId(sha256(url.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event on its way to one endpoint: its `attempt`-th try (1, 2, …) is due at `due_at`, or at once."""

    endpoint: EndpointId
    event_id: str
    job_id: JobId
    attempt: int = 1
    due_at: datetime | None = None

    def again(self, due_at: datetime) -> Self:
        """The next attempt."""
        return replace(self, attempt=self.attempt + 1, due_at=due_at)


def pause_after(attempt: int) -> timedelta | None:
    """How long to wait after the n-th attempt (n ≥ 1) has failed; None: it was the last."""
    if attempt > len(RETRY_PAUSES):
        return None
    return RETRY_PAUSES[attempt - 1] * (1 + JITTER * random.random())  # noqa: S311 - spreads load, guards nothing
