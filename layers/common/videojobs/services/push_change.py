"""Tell the live connections of a job's user that the job has changed."""

from collections.abc import Callable, Iterable

from videojobs.domain.errors import Unavailable
from videojobs.domain.realtime import ConnectionId, Message
from videojobs.ports.changes import Broadcaster, Change, ConnectionRepository, Delivery
from videojobs.ports.jobs import Clock


def push_change(
    change: Change,
    *,
    connections: ConnectionRepository,
    broadcaster: Broadcaster,
    clock: Clock,
    show: Callable[[Change], Message],
) -> None:
    """Send the job, as `show` makes it, to those of its user's connections that want it; end those that are over.

    Raises:
        Unavailable: MongoDB does not answer, or a connection could neither be told nor ended; to be tried again.
    """
    now = clock.now()
    found = connections.find_of_user(change.job.user_id)
    wanted = [each.id for each in found if each.expires_at > now and each.wants(change.job.id)]
    if wanted:
        message = show(change)
        push_messages([(each, message) for each in wanted], connections=connections, broadcaster=broadcaster)
    for each in found:
        if each.expires_at <= now:
            end_connection(each.id, connections=connections, broadcaster=broadcaster)


def push_messages(
    messages: Iterable[tuple[ConnectionId, Message]], *, connections: ConnectionRepository, broadcaster: Broadcaster
) -> None:
    """Send messages, and forget the connections that are gone.

    One that does not take its message is ended: its client connects anew and gets a snapshot, so that nobody is left
    believing what is no longer so, and nobody waits for it.

    Raises:
        Unavailable: a connection could neither be told nor ended. All others were told.
    """
    sent = list(messages)
    outcomes = list(zip((connection_id for connection_id, _ in sent), broadcaster.send(sent), strict=True))
    gone = {connection_id for connection_id, outcome in outcomes if outcome is Delivery.GONE}
    stuck = {connection_id for connection_id, outcome in outcomes if outcome is Delivery.UNANSWERED}
    for connection_id in gone:
        connections.remove(connection_id)
    failed: Unavailable | None = None
    for connection_id in stuck - gone:
        try:
            end_connection(connection_id, connections=connections, broadcaster=broadcaster)
        except Unavailable as error:
            failed = error
    if failed is not None:
        raise failed


def end_connection(connection_id: ConnectionId, *, connections: ConnectionRepository, broadcaster: Broadcaster) -> None:
    """Close a connection, and then forget it: one that can't be closed now is found again.

    Raises:
        Unavailable: API Gateway or MongoDB does not answer.
    """
    broadcaster.close(connection_id)
    connections.remove(connection_id)
