"""WebSocket connections: their user, their expiry and their subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from videojobs.domain.job import JobId, UserId
from videojobs.domain.rate import RateLimit

ConnectionId = NewType("ConnectionId", str)
"""Connection ID assigned by API Gateway."""

type Message = Mapping[str, object]
"""Message for a connection, to be sent as JSON."""

LONGEST_CONNECTION = timedelta(hours=2)
"""API Gateway's limit: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
TICKET_LIFETIME = timedelta(seconds=30)
MAXIMUM_SUBSCRIPTIONS = 100
"""Maximum number of single jobs that a connection can subscribe to, apart from a subscription to all jobs."""
SNAPSHOT_JOBS = 50
"""Maximum number of jobs of each live status in a snapshot, and of the newest jobs. Each job occurs once."""
SNAPSHOT_INTERVAL = timedelta(seconds=5)
"""Minimum interval of two snapshots of all jobs for a connection. Updates are not delayed by it."""
REFUSED_MESSAGES = RateLimit("live-refused", 10)
"""The messages over the rate limit that are refused with an error. The connection of a further one is closed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of a user, as stated in a session's token, and when the session expires."""

    user_id: UserId
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """Open WebSocket connection. It receives only changes of jobs that it has subscribed to.

    `expires_at`: when the session that opened it expires, or after `LONGEST_CONNECTION`. `all_jobs`: whether it is
    subscribed to all jobs of its user.
    """

    id: ConnectionId
    user_id: UserId
    expires_at: datetime
    all_jobs: bool = False
    job_ids: frozenset[JobId] = frozenset()

    def wants(self, job_id: JobId) -> bool:
        """Return whether the connection is subscribed to this job of its user."""
        return self.all_jobs or job_id in self.job_ids
