"""Open WebSocket connections, which are authenticated by the session cookie, or by a ticket if it can't be sent."""

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
    """Return a ticket that opens one connection for this identity, and its expiry. Only its digest is stored.

    Raises:
        Unavailable: If MongoDB does not respond in time; no ticket is returned.
    """
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    expires_at = min(clock.now() + TICKET_LIFETIME, identity.expires_at)
    tickets.add(_digest(ticket), identity, expires_at)
    return ticket, expires_at


def redeem_ticket(ticket: str, *, tickets: TicketRepository, clock: Clock) -> Identity:
    """Return the identity of a ticket. The ticket can't be used again.

    Raises:
        TokenInvalid: If the ticket is unknown, expired or already used.
        Unavailable: If MongoDB does not respond in time; the ticket may have been used.
    """
    identity = tickets.redeem(_digest(ticket), clock.now())
    if identity is None:
        raise TokenInvalid
    return identity


def open_connection(
    connection_id: ConnectionId, identity: Identity, *, connections: ConnectionRepository, clock: Clock, at_most: int
) -> None:
    """Store an authenticated connection. It expires with its session, at the latest after `LONGEST_CONNECTION`.

    Raises:
        TooManyConnections: If the user has `at_most` connections that have not expired.
        Unavailable: If MongoDB does not respond in time; the connection may have been stored.
    """
    now = clock.now()
    expires_at = min(identity.expires_at, now + LONGEST_CONNECTION)
    connections.add(Connection(connection_id, identity.user_id, expires_at), at_most=at_most, now=now)
    logger.info("Connection opened", extra={"action": "connection_opened", "connection_id": connection_id})


def _digest(ticket: str) -> str:
    return sha256(ticket.encode(errors="replace")).hexdigest()
