"""What API Gateway's WebSocket API hands over: a handshake, the end of a connection, or a client's message."""

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
"""Characters; a subscription has some sixty."""


class SocketEvent(StrEnum):
    """Why the function was called, in API Gateway's words."""

    CONNECT = "CONNECT"
    MESSAGE = "MESSAGE"
    DISCONNECT = "DISCONNECT"


class Action(StrEnum):
    """What a client may ask for."""

    SUBSCRIBE = "subscribe"
    PING = "ping"


class ClientMessage(NamedTuple):
    """A client's wish; a subscription without a `job_id` is one to all jobs."""

    action: Action
    job_id: str | None = None


_FIELDS: Mapping[Action, frozenset[str]] = {
    Action.SUBSCRIBE: frozenset({"action", "jobId"}),
    Action.PING: frozenset({"action"}),
}


def read_connection_id(event: Mapping[str, Any]) -> ConnectionId:
    """Which connection an event is about."""
    return ConnectionId(event["requestContext"]["connectionId"])


def read_ticket(event: Mapping[str, Any]) -> str | None:
    """The ticket in the query of a handshake, an empty one too; None: there is none."""
    ticket = (event.get("queryStringParameters") or {}).get("ticket")
    return ticket if isinstance(ticket, str) else None


def parse_message(body: object) -> ClientMessage:
    """What a client wants.

    Raises:
        BodyTooLarge: nobody needs as many words.
        ValidationFailed: it is nonsense, and what to change.
    """
    text = body if isinstance(body, str) else ""
    if len(text) > MAXIMUM_MESSAGE_LENGTH:
        raise BodyTooLarge(f"The message is too large: {MAXIMUM_MESSAGE_LENGTH} characters are the most.")
    fields = parse_object(text)
    try:
        action = Action(str(fields.get("action")))
    except ValueError:
        raise _invalid("action", f"Must be one of: {', '.join(Action)}.") from None
    if unknown := sorted(fields.keys() - _FIELDS[action]):
        raise _invalid(printable_name(unknown[0]), f"Is not a field of {action}, which takes: {_list_fields(action)}.")
    job_id = fields.get("jobId")
    if "jobId" in fields and not isinstance(job_id, str):
        raise _invalid("jobId", "Must be a job's id; leave it out to subscribe to all of your jobs.")
    return ClientMessage(action, job_id)


def answer_event(event: Mapping[str, Any], error: Exception | None) -> dict[str, int]:
    """The answer to an event: API Gateway lets a handshake in at 200, and gives any other status to the caller."""
    status = 200 if error is None else answer_error(error, "").status.value
    context = event["requestContext"]
    extra = {"action": "socket_answered", "event": context["eventType"], "status": status}
    extra["connection_id"] = context["connectionId"]
    if isinstance(error, VideoJobsError):
        extra["code"] = error.code.value
    level = logging.INFO if status < 500 else logging.WARNING if status == 503 else logging.ERROR
    logger.log(level, "WebSocket answered", extra=extra, exc_info=error if status >= 500 else None)
    return {"statusCode": status}


def _list_fields(action: Action) -> str:
    return ", ".join(sorted(_FIELDS[action]))


def _invalid(field: str, rule: str) -> ValidationFailed:
    return ValidationFailed([ErrorDetail(field, rule)])
