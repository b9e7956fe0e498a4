"""A live connection: whose it is, until when, and which jobs it wants to hear of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from videojobs.domain.job import JobId, UserId

ConnectionId = NewType("ConnectionId", str)
"""As API Gateway made it up."""

type Message = Mapping[str, object]
"""What goes over a connection, as JSON."""

LONGEST_CONNECTION = timedelta(hours=2)
"""API Gateway ends every WebSocket then; https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
TICKET_LIFETIME = timedelta(seconds=30)
MAXIMUM_SUBSCRIPTIONS = 100
"""Jobs that one connection can name; who wants more subscribes to all."""
SNAPSHOT_JOBS = 50
"""Jobs in a snapshot: so many of each live status, and so many of the newest, each job once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, and until when that is known: what a session's token says."""

    user_id: UserId
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """An open WebSocket. It ends with the session that opened it, and is told of nothing before it subscribes."""

    id: ConnectionId
    user_id: UserId
    expires_at: datetime
    all_jobs: bool = False
    job_ids: frozenset[JobId] = frozenset()

    def wants(self, job_id: JobId) -> bool:
        """Whether it has subscribed to that job of its user's."""
        return self.all_jobs or job_id in self.job_ids
