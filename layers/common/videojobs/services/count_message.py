"""Count the messages of a user's live connections, and close a connection that continues over the rate limit."""

from videojobs.domain.errors import ConnectionFlooded, RateLimited
from videojobs.domain.rate import RateLimit
from videojobs.domain.realtime import REFUSED_MESSAGES, Connection
from videojobs.ports.fairness import RateLimiter
from videojobs.services.push_change import LiveConnections


def count_message(connection: Connection, limit: RateLimit, *, live: LiveConnections, rates: RateLimiter) -> None:
    """Count a message of a connection. Both limits are those of its user, over all of the user's connections.

    Raises:
        RateLimited: If the user has reached `limit`. The connection stays open.
        ConnectionFlooded: If the user has also reached `REFUSED_MESSAGES`. The connection is closed.
        Unavailable: If MongoDB does not respond, or API Gateway when the connection is closed.
    """
    now = live.clock.now()
    try:
        rates.count(connection.user_id, limit, now)
    except RateLimited as error:
        try:
            rates.count(connection.user_id, REFUSED_MESSAGES, now)
        except RateLimited:
            live.close(connection.id)
            raise ConnectionFlooded from None
        raise error from None
