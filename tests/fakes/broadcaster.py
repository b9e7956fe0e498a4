"""A broadcaster that records the messages of open connections."""

from collections.abc import Sequence

from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Delivery


class RecordingBroadcaster:
    """See `ports.Broadcaster`. `sent` contains the messages of each open connection, oldest first.

    A connection that was not opened with `open` is gone. A connection in `stuck` accepts no message, and every message
    is too large for a connection in `too_small`. With `available = False` no connection can be reached or closed.
    """

    def __init__(self) -> None:
        self.sent: dict[ConnectionId, list[Message]] = {}
        self.stuck: set[ConnectionId] = set()
        self.too_small: set[ConnectionId] = set()
        self.closed: list[ConnectionId] = []
        self.available = True

    def open(self, connection_id: ConnectionId) -> ConnectionId:
        """Open a connection, as a handshake does, and return its ID."""
        self.sent[connection_id] = []
        return connection_id

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Record each message, and return the outcomes in order."""
        return [self._send(*message) for message in messages]

    def close(self, connection_id: ConnectionId) -> None:
        """Close the connection."""
        if not self.available:
            raise Unavailable
        self.sent.pop(connection_id, None)
        self.closed.append(connection_id)

    def _send(self, connection_id: ConnectionId, message: Message) -> Delivery:
        if not self.available or connection_id in self.stuck:
            return Delivery.UNANSWERED
        if connection_id not in self.sent:
            return Delivery.GONE
        if connection_id in self.too_small:
            return Delivery.TOO_LARGE
        self.sent[connection_id].append(message)
        return Delivery.TAKEN
