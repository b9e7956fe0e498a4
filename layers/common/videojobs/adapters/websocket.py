"""The way out to open WebSockets: API Gateway's management API, `POST` and `DELETE /@connections/{id}`."""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from videojobs.adapters.aws import AwsClient
from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports import Delivery

logger = logging.getLogger(__name__)

AT_ONCE = 8
"""Requests on their way at the same time."""
_JSON = {"Content-Type": "application/json"}


class ApiGatewayBroadcaster:
    """See `ports.Broadcaster`. A connection that takes its time holds one of `AT_ONCE` threads, for seconds at most."""

    def __init__(self, client: AwsClient) -> None:
        """`client` speaks to the WebSocket API's own address, its stage included."""
        self._client = client

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Each by a `POST` of its own."""
        if len(messages) == 1:
            return [self._post(*messages[0])]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda message: self._post(*message), messages))

    def close(self, connection_id: ConnectionId) -> None:
        """By `DELETE`; 410 says that it has ended."""
        status = self._client.request("DELETE", _path(connection_id), {}, b"").status
        if status not in {200, 204, 410}:
            raise Unavailable from RuntimeError(f"DELETE @connections: HTTP {status}")

    def _post(self, connection_id: ConnectionId, message: Message) -> Delivery:
        body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
        try:
            status = self._client.request("POST", _path(connection_id), _JSON, body).status
        except Unavailable:
            status = 0
        if status in {200, 410}:
            return Delivery.TAKEN if status == 200 else Delivery.GONE
        extra = {"action": "push_unanswered", "connection_id": connection_id, "status": status}
        logger.warning("A connection took no message", extra=extra)
        return Delivery.UNANSWERED


def _path(connection_id: ConnectionId) -> str:
    return f"/@connections/{quote(connection_id, safe='')}"
