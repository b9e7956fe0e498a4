"""Parsing of the WebSocket API's events: handshakes, messages of clients, and disconnections."""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from videojobs.api.body import parse_object, printable_name
from videojobs.api.errors import answer_error
from videojobs.domain.errors import BodyTooLarge, ErrorDetail, ValidationFailed, VideoJobsError
from videojobs.domain.realtime import ConnectionId

logger = logging.getLogger(__name__)

MAXIMUM_MESSAGE_LENGTH = 1024
"""The limit of a client's message in characters; a subscription has about 60."""


class SocketEvent(StrEnum):
    """The event types of API Gateway's WebSocket API."""

    CONNECT = "CONNECT"
    MESSAGE = "MESSAGE"
    DISCONNECT = "DISCONNECT"


class Action(StrEnum):
    """The actions that a client can request."""

    SUBSCRIBE = "subscribe"
    PING = "ping"


class ClientMessage(NamedTuple):
    """A message of a client. A subscription without a `job_id` covers all jobs of the user."""

    action: Action
    job_id: str | None = None


_FIELDS: Mapping[Action, frozenset[str]] = {
    Action.SUBSCRIBE: frozenset({"action", "jobId"}),
    Action.PING: frozenset({"action"}),
}


def read_connection_id(event: Mapping[str, Any]) -> ConnectionId:
    """Return the ID of the connection that the event belongs to."""
    return ConnectionId(event["requestContext"]["connectionId"])


def read_ticket(event: Mapping[str, Any]) -> str | None:
    """Return the ticket in the query of a handshake, or None without one. An empty ticket is returned too."""
    ticket = (event.get("queryStringParameters") or {}).get("ticket")
    return ticket if isinstance(ticket, str) else None


def parse_message(body: object) -> ClientMessage:
    """Return the message of a client, given the body of its event.

    Raises:
        BodyTooLarge: If the message has more than 1,024 characters.
        ValidationFailed: If it is not a JSON object, or has an unknown action, an unknown field or a `jobId` that is
            not a string.
    """
    text = body if isinstance(body, str) else ""
    if len(text) > MAXIMUM_MESSAGE_LENGTH:
        raise BodyTooLarge(
            f"The message exceeds the limit of {MAXIMUM_MESSAGE_LENGTH} characters. Send a shorter message."
        )
    fields = parse_object(text)
    try:
        action = Action(str(fields.get("action")))
    except ValueError:
        raise _invalid("action", f"Must be one of: {', '.join(Action)}.") from None
    if unknown := sorted(fields.keys() - _FIELDS[action]):
        raise _invalid(printable_name(unknown[0]), f"Is not a field of {action}. Use only: {_list_fields(action)}.")
    job_id = fields.get("jobId")
    if "jobId" in fields and not isinstance(job_id, str):
        raise _invalid("jobId", "Must be a job ID. Omit it to subscribe to all of your jobs.")
    return ClientMessage(action, job_id)


def answer_event(event: Mapping[str, Any], error: Exception | None) -> dict[str, int]:
    """Log the outcome of an event, and return its response, `{"statusCode": 200}` or with the status of the error.

    API Gateway accepts a handshake only if the status is 200.
    """
    status = 200 if error is None else answer_error(error, "").status.value
    context = event["requestContext"]
    extra = {"action": "socket_answered", "event": context["eventType"], "status": status}
    extra["connection_id"] = context["connectionId"]
    if isinstance(error, VideoJobsError):
        extra["code"] = error.code.value
    level = logging.INFO if status < 500 else logging.WARNING if status == 503 else logging.ERROR
    logger.log(level, "WebSocket event handled", extra=extra, exc_info=error if status >= 500 else None)
    return {"statusCode": status}


def _list_fields(action: Action) -> str:
    return ", ".join(sorted(_FIELDS[action]))


def _invalid(field: str, rule: str) -> ValidationFailed:
    return ValidationFailed([ErrorDetail(field, rule)])
