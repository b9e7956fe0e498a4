"""Send messages to open WebSocket connections, and close expired connections."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from videojobs.domain.errors import ConnectionOver, Unavailable
from videojobs.domain.realtime import Connection, ConnectionId, Message
from videojobs.ports.changes import Broadcaster, Change, ConnectionRepository, Delivery
from videojobs.ports.jobs import Clock, TimingRepository
from videojobs.services.estimate_job import estimate_processing


class LiveConnections:
    """Open WebSocket connections: finds them, sends messages to them and closes them."""

    def __init__(
        self, connections: ConnectionRepository, broadcaster: Broadcaster, timings: TimingRepository, clock: Clock
    ) -> None:
        self.repository, self._broadcaster, self._timings, self.clock = connections, broadcaster, timings, clock

    def with_estimate(self, change: Change) -> Change:
        """Return the change with the estimate for its job, if the job is in processing.

        The position of a queued job is left out, because it needs a query per message.

        Raises:
            Unavailable: If MongoDB does not respond.
        """
        return replace(change, estimate=estimate_processing(change.job, timings=self._timings, clock=self.clock))

    def find(self, connection_id: ConnectionId) -> Connection:
        """Return an open connection. Close one that has expired or is unknown.

        Raises:
            ConnectionOver: If the connection has expired or is unknown.
            Unavailable: If MongoDB does not respond, or API Gateway when the connection is closed.
        """
        connection = self.repository.find(connection_id)
        if connection is None or connection.expires_at <= self.clock.now():
            self.close(connection_id)
            raise ConnectionOver
        return connection

    def send(self, messages: Iterable[tuple[ConnectionId, Message]]) -> None:
        """Send messages, and delete the connections that have ended.

        A connection with an unknown outcome is closed: its client reconnects and gets a snapshot. Clients therefore do
        not keep outdated data, and messages are not retried.

        Raises:
            Unavailable: If a connection could neither be sent its message nor closed, or MongoDB does not respond. All
                other messages were sent.
        """
        sent = list(messages)
        outcomes = list(zip((connection_id for connection_id, _ in sent), self._broadcaster.send(sent), strict=True))
        gone = {connection_id for connection_id, outcome in outcomes if outcome is Delivery.GONE}
        stuck = {connection_id for connection_id, outcome in outcomes if outcome is Delivery.UNANSWERED}
        for connection_id in gone:
            self.repository.remove(connection_id)
        failed: Unavailable | None = None
        for connection_id in stuck - gone:
            try:
                self.close(connection_id)
            except Unavailable as error:
                failed = error
        if failed is not None:
            raise failed

    def close(self, connection_id: ConnectionId) -> None:
        """Close a connection and delete it from the repository. If it can't be closed, it is not deleted.

        Raises:
            Unavailable: If API Gateway or MongoDB does not respond.
        """
        self._broadcaster.close(connection_id)
        self.repository.remove(connection_id)


def push_change(change: Change, *, live: LiveConnections, serialize: Callable[[Change], Message]) -> None:
    """Send a changed job to its user's connections that are subscribed to it. Close the user's expired connections.

    Raises:
        Unavailable: If MongoDB does not respond, or a connection that has expired or did not take its message can't be
            closed. The change should be pushed again.
    """
    now = live.clock.now()
    connections = live.repository.find_of_user(change.job.user_id)
    subscribed = [
        connection.id for connection in connections if connection.expires_at > now and connection.wants(change.job.id)
    ]
    if subscribed:
        message = serialize(live.with_estimate(change))
        live.send([(connection_id, message) for connection_id in subscribed])
    for connection in connections:
        if connection.expires_at <= now:
            live.close(connection.id)
