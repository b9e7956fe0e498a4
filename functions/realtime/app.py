"""Live updates: events of the WebSocket API, and the tickets that authenticate a handshake without a cookie."""

from videojobs import startup  # noqa: F401 - suspends the garbage collector until `prepare_api` ends

# isort: split
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.api.auth import authenticate, refuse_foreign_origin
from videojobs.api.http import HttpRequest
from videojobs.api.rates import live_limit, read_limit
from videojobs.api.realtime import Action, SocketEvent, answer_event, parse_message, read_connection_id, read_ticket
from videojobs.api.updates import PONG, ErrorMessage, JobUpdated, Pong, serialize_error, serialize_update
from videojobs.domain.errors import ConnectionOver, Unavailable
from videojobs.domain.realtime import ConnectionId, Identity
from videojobs.domain.time_limit import REPORT_SECONDS, time_limit
from videojobs.domain.trace import begin_trace
from videojobs.observability import logger
from videojobs.ports.changes import Change
from videojobs.services.count_message import count_message
from videojobs.services.open_connection import issue_ticket, open_connection, redeem_ticket
from videojobs.services.subscribe import subscribe

if TYPE_CHECKING:
    from videojobs.api.resolver import VideoJobsApi

bootstrap.prepare_api(bootstrap.rate_limiter)


@logger.inject_lambda_context(clear_state=True, log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an event of the WebSocket API, or a request for a ticket, and return its status.

    Errors become that status, which reaches the client only for a handshake. Errors of messages are sent as messages.
    """
    if "httpMethod" in event:
        return ticket_api().resolve(event, context)
    begin_trace()
    connection_id, kind = read_connection_id(event), event["requestContext"]["eventType"]
    try:
        with time_limit(context.get_remaining_time_in_millis, kept_seconds=REPORT_SECONDS):
            _dispatch(connection_id, kind, event)
    except Exception as error:  # noqa: BLE001 - the client gets each error as a message
        if kind == SocketEvent.MESSAGE and not isinstance(error, ConnectionOver):
            with time_limit(context.get_remaining_time_in_millis):
                _send(connection_id, serialize_error(error))
        return answer_event(event, error)
    return answer_event(event, None)


def _dispatch(connection_id: ConnectionId, kind: str, event: dict[str, Any]) -> None:
    match kind:
        case SocketEvent.CONNECT:
            _connect(connection_id, event)
        case SocketEvent.DISCONNECT:
            bootstrap.connection_repository().remove(connection_id)
        case _:
            _on_message(connection_id, event.get("body"))


def _connect(connection_id: ConnectionId, event: dict[str, Any]) -> None:
    request, settings, clock = HttpRequest.from_event(event), bootstrap.api_settings(), bootstrap.clock()
    refuse_foreign_origin(request, settings.allowed_origins)
    if (ticket := read_ticket(event)) is None:
        session = authenticate(request, settings=settings, secret=bootstrap.jwt_secret)
        identity = Identity(session.user_id, session.expires_at)
    else:
        identity = redeem_ticket(ticket, tickets=bootstrap.ticket_repository(), clock=clock)
    bootstrap.rate_limiter().count(identity.user_id, live_limit(settings), clock.now())
    connections, at_most = bootstrap.connection_repository(), bootstrap.maximum_connections()
    open_connection(connection_id, identity, connections=connections, clock=clock, at_most=at_most)


def _on_message(connection_id: ConnectionId, body: object) -> None:
    live = bootstrap.live_connections()
    connection = live.find(connection_id)
    count_message(connection, live_limit(bootstrap.api_settings()), live=live, rates=bootstrap.rate_limiter())
    message = parse_message(body)
    if message.action is Action.PING:
        _send(connection_id, PONG)
    else:
        subscribe(connection, message.job_id, live=live, jobs=bootstrap.job_repository(), serialize=_serialize)


def _send(connection_id: ConnectionId, message: Pong | ErrorMessage) -> None:
    try:
        bootstrap.live_connections().send([(connection_id, message)])
    except Unavailable:
        extra = {"action": "message_not_sent", "connection_id": connection_id}
        logger.warning("Message not sent to the client", extra=extra, exc_info=True)


def _serialize(change: Change) -> JobUpdated:
    now = bootstrap.clock().now()
    return serialize_update(change, sign=lambda url: bootstrap.video_store().presigned_url(url, now))


@cache
def ticket_api() -> "VideoJobsApi":
    """Return the API with `POST /api/realtime/ticket`. Created on first use, because handshakes need no resolver."""
    from aws_lambda_powertools.event_handler.api_gateway import Response

    from videojobs.api.body import read_no_fields
    from videojobs.api.envelopes import TicketEnvelope
    from videojobs.api.resolver import JSON, VideoJobsApi
    from videojobs.api.views import serialize_ticket

    api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)

    @api.post("/api/realtime/ticket", operation_id="createLiveTicket", summary="Create a live ticket", tags=["live"])
    def ticket() -> Response[TicketEnvelope]:
        """Create a ticket that opens one connection and return it with its expiry. Errors become error responses."""
        settings, clock = bootstrap.api_settings(), bootstrap.clock()
        session = authenticate(api.http, settings=settings, secret=bootstrap.jwt_secret)
        bootstrap.read_limiter().count(session.user_id, read_limit(settings), clock.now())
        read_no_fields(api.http)
        identity, tickets = Identity(session.user_id, session.expires_at), bootstrap.ticket_repository()
        return Response(201, JSON, serialize_ticket(*issue_ticket(identity, tickets=tickets, clock=clock)))

    return api
