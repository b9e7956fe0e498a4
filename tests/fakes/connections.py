"""Live connections and tickets in memory."""

from dataclasses import replace
from datetime import datetime
from threading import Lock

from videojobs.domain.errors import TooManyConnections, Unavailable
from videojobs.domain.job import JobId, UserId
from videojobs.domain.realtime import Connection, ConnectionId, Identity


class InMemoryConnectionRepository:
    """See `ports.ConnectionRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self, *connections: Connection) -> None:
        self._connections = {connection.id: connection for connection in connections}
        self._lock = Lock()
        self.available = True

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Count and insert, in one."""
        with self._answering():
            others = self._of_user(connection.user_id)
            if len([each for each in others if each.expires_at > now]) >= at_most:
                raise TooManyConnections
            self._connections[connection.id] = connection

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """The stored one."""
        with self._answering():
            return self._connections.get(connection_id)

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """The stored ones."""
        with self._answering():
            return self._of_user(user_id)

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None) -> bool:
        """Read and write, in one."""
        with self._answering():
            connection = self._connections.get(connection_id)
            if connection is None:
                return False
            wish = {"all_jobs": True} if job_id is None else {"job_ids": connection.job_ids | {job_id}}
            self._connections[connection_id] = replace(connection, **wish)
            return True

    def remove(self, connection_id: ConnectionId) -> None:
        """Take it out."""
        with self._answering():
            self._connections.pop(connection_id, None)

    def _of_user(self, user_id: UserId) -> list[Connection]:
        return [connection for connection in self._connections.values() if connection.user_id == user_id]

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


class InMemoryTicketRepository:
    """See `ports.TicketRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self) -> None:
        self._tickets: dict[str, tuple[Identity, datetime]] = {}
        self._lock = Lock()
        self.available = True

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Keep it."""
        with self._answering():
            self._tickets[digest] = identity, expires_at

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Take it out, unless it is over."""
        with self._answering():
            if digest not in self._tickets or self._tickets[digest][1] <= now:
                return None
            return self._tickets.pop(digest)[0]

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
