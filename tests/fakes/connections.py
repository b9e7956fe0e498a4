"""In-memory repositories of live connections and tickets."""

from copy import replace
from datetime import datetime
from threading import Lock

from videojobs.domain.errors import RateLimited, TooManyConnections, Unavailable
from videojobs.domain.job import JobId, UserId
from videojobs.domain.realtime import SNAPSHOT_INTERVAL, Connection, ConnectionId, Identity


class InMemoryConnectionRepository:
    """See `ports.ConnectionRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self, *connections: Connection) -> None:
        self._connections = {connection.id: connection for connection in connections}
        self._snapshots: dict[ConnectionId, datetime] = {}
        self._lock = Lock()
        self.available = True

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Count the user's connections and insert the new one, atomically."""
        with self._available_lock():
            existing = self._of_user(connection.user_id)
            if len([stored for stored in existing if stored.expires_at > now]) >= at_most:
                raise TooManyConnections
            self._connections[connection.id] = connection

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """Return the stored connection, or None."""
        with self._available_lock():
            return self._connections.get(connection_id)

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """Return the stored connections of the user."""
        with self._available_lock():
            return self._of_user(user_id)

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None, now: datetime) -> bool:
        """Add the subscription, atomically; return False if the connection does not exist."""
        with self._available_lock():
            connection = self._connections.get(connection_id)
            if connection is None:
                return False
            if job_id is None:
                snapshot_at = self._snapshots.get(connection_id)
                if snapshot_at is not None and snapshot_at > now - SNAPSHOT_INTERVAL:
                    raise RateLimited(round(SNAPSHOT_INTERVAL.total_seconds()))
                self._snapshots[connection_id] = now
            changes = {"all_jobs": True} if job_id is None else {"job_ids": connection.job_ids | {job_id}}
            self._connections[connection_id] = replace(connection, **changes)
            return True

    def remove(self, connection_id: ConnectionId) -> None:
        """Remove the connection if it exists."""
        with self._available_lock():
            self._connections.pop(connection_id, None)

    def _of_user(self, user_id: UserId) -> list[Connection]:
        return [connection for connection in self._connections.values() if connection.user_id == user_id]

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


class InMemoryTicketRepository:
    """See `ports.TicketRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self) -> None:
        self._tickets: dict[str, tuple[Identity, datetime]] = {}
        self._lock = Lock()
        self.available = True

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Store the ticket."""
        with self._available_lock():
            self._tickets[digest] = identity, expires_at

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Remove the ticket and return its identity; return None if it does not exist or has expired."""
        with self._available_lock():
            if digest not in self._tickets or self._tickets[digest][1] <= now:
                return None
            return self._tickets.pop(digest)[0]

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
