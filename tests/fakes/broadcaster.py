"""Open connections that keep what they are told."""

from collections.abc import Sequence

from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Delivery


class RecordingBroadcaster:
    """See `ports.Broadcaster`. `told` holds each open connection's messages, oldest first.

    A connection that was not opened (`open`) is gone. Those in `stuck` take no message, and for those in `too_small`
    every message is too large; `available = False`: nothing can be reached, nor closed.
    """

    def __init__(self) -> None:
        self.told: dict[ConnectionId, list[Message]] = {}
        self.stuck: set[ConnectionId] = set()
        self.too_small: set[ConnectionId] = set()
        self.closed: list[ConnectionId] = []
        self.available = True

    def open(self, connection_id: ConnectionId) -> ConnectionId:
        """What a handshake does."""
        self.told[connection_id] = []
        return connection_id

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Hand each to its connection."""
        return [self._send(*message) for message in messages]

    def close(self, connection_id: ConnectionId) -> None:
        """End it."""
        if not self.available:
            raise Unavailable
        self.told.pop(connection_id, None)
        self.closed.append(connection_id)

    def _send(self, connection_id: ConnectionId, message: Message) -> Delivery:
        if not self.available or connection_id in self.stuck:
            return Delivery.UNANSWERED
        if connection_id not in self.told:
            return Delivery.GONE
        if connection_id in self.too_small:
            return Delivery.TOO_LARGE
        self.told[connection_id].append(message)
        return Delivery.TAKEN
