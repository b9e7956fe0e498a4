"""Let a live connection in: a cookie says whose it is, or a ticket where a cookie can't reach."""

import logging
import secrets
from datetime import datetime
from hashlib import sha256

from videojobs.domain.errors import TokenInvalid
from videojobs.domain.realtime import LONGEST_CONNECTION, TICKET_LIFETIME, Connection, ConnectionId, Identity
from videojobs.ports.changes import ConnectionRepository, TicketRepository
from videojobs.ports.jobs import Clock

logger = logging.getLogger(__name__)

TICKET_BYTES = 32


def issue_ticket(identity: Identity, *, tickets: TicketRepository, clock: Clock) -> tuple[str, datetime]:
    """A ticket that opens one connection in somebody's name, and when it is over; only its digest is stored.

    Raises:
        Unavailable: MongoDB does not answer.
    """
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    expires_at = min(clock.now() + TICKET_LIFETIME, identity.expires_at)
    tickets.add(_digest(ticket), identity, expires_at)
    return ticket, expires_at


def redeem_ticket(ticket: str, *, tickets: TicketRepository, clock: Clock) -> Identity:
    """Whom a ticket stands for; it is used up by this.

    Raises:
        TokenInvalid: it is none, is over, or was used.
        Unavailable: MongoDB does not answer.
    """
    identity = tickets.redeem(_digest(ticket), clock.now())
    if identity is None:
        raise TokenInvalid
    return identity


def open_connection(
    connection_id: ConnectionId, identity: Identity, *, connections: ConnectionRepository, clock: Clock, at_most: int
) -> None:
    """Store a connection that was let in; it lasts as long as the session behind it, and as API Gateway lets it.

    Raises:
        TooManyConnections: the user has `at_most` others.
        Unavailable: MongoDB does not answer.
    """
    now = clock.now()
    expires_at = min(identity.expires_at, now + LONGEST_CONNECTION)
    connections.add(Connection(connection_id, identity.user_id, expires_at), at_most=at_most, now=now)
    logger.info("Connection opened", extra={"action": "connection_opened", "connection_id": connection_id})


def _digest(ticket: str) -> str:
    return sha256(ticket.encode(errors="replace")).hexdigest()
