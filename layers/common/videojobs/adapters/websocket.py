"""Sender of WebSocket messages through API Gateway's management API (`POST` and `DELETE /@connections/{id}`)."""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Protocol, Unpack

from videojobs.adapters.aws import aws_errors
from videojobs.adapters.aws_clients import DeleteConnectionRequest, PostToConnectionRequest
from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Delivery

logger = logging.getLogger(__name__)

MAXIMUM_CONCURRENT_REQUESTS = 8
"""How many requests are sent at the same time."""
_OUTCOMES = {410: Delivery.GONE, 413: Delivery.TOO_LARGE}


class ApiGatewayClient(Protocol):
    """The operations of boto3's client `apigatewaymanagementapi` that the broadcaster calls."""

    def post_to_connection(self, **request: Unpack[PostToConnectionRequest]) -> object:
        """Send a message to a connection."""

    def delete_connection(self, **request: Unpack[DeleteConnectionRequest]) -> object:
        """Close a connection."""


class ApiGatewayBroadcaster:
    """Sender of WebSocket messages. Implements `ports.Broadcaster`.

    A slow connection occupies one of the `MAXIMUM_CONCURRENT_REQUESTS` threads until the request times out.
    """

    def __init__(self, client: ApiGatewayClient) -> None:
        """Keep the client, whose endpoint is that of the WebSocket API including the stage."""
        self._client = client

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Send each message with a request of its own and return the outcomes in the same order.

        After a connection is gone or does not respond, its remaining messages are not sent and get the same outcome. A
        failed request does not raise: it is the outcome `UNANSWERED`, `GONE` or `TOO_LARGE`.
        """
        lost: dict[ConnectionId, Delivery] = {}

        def deliver(message: tuple[ConnectionId, Message]) -> Delivery:
            connection_id, content = message
            outcome = lost.get(connection_id) or self._post(connection_id, content)
            if outcome in {Delivery.GONE, Delivery.UNANSWERED}:
                lost[connection_id] = outcome
            return outcome

        if len(messages) == 1:
            return [deliver(messages[0])]
        with ThreadPoolExecutor(MAXIMUM_CONCURRENT_REQUESTS) as pool:
            contexts = [copy_context() for _ in messages]  # threads do not inherit the context variables
            return list(pool.map(lambda context, message: context.run(deliver, message), contexts, messages))

    def close(self, connection_id: ConnectionId) -> None:
        """Close the connection; idempotent.

        Raises:
            Unavailable: If API Gateway did not confirm; the connection may still be open.
        """
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except aws_errors() as error:
            if _read_status(error) != 410:
                raise Unavailable from error

    def _post(self, connection_id: ConnectionId, message: Message) -> Delivery:
        """Send one message and return its outcome; log messages that were not delivered."""
        body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=body)
        except aws_errors() as error:
            status = _read_status(error)
        except Unavailable:
            status = 0
        else:
            return Delivery.TAKEN
        outcome = _OUTCOMES.get(status, Delivery.UNANSWERED)
        if outcome in {Delivery.UNANSWERED, Delivery.TOO_LARGE}:
            extra = {"action": "push_refused", "connection_id": connection_id, "status": status}
            logger.warning("WebSocket message not delivered", extra=extra)
        return outcome


def _read_status(error: Exception) -> int:
    """Return the HTTP status of an error, or 0 if there was no response."""
    from botocore.exceptions import ClientError

    return error.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(error, ClientError) else 0
