"""What a client says over its connection: it subscribes, and gets a snapshot; or it only wants to know we are there."""

import logging
from collections.abc import Callable

from videojobs.domain.errors import ConnectionOver, TooManySubscriptions
from videojobs.domain.job import LIVE_STATUSES, UserId, VideoJob
from videojobs.domain.realtime import MAXIMUM_SUBSCRIPTIONS, SNAPSHOT_JOBS, Connection, ConnectionId, Message
from videojobs.ports.changes import Broadcaster, Change, ConnectionRepository
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.push_change import end_connection, push_messages
from videojobs.services.read_job import read_job

logger = logging.getLogger(__name__)


def find_connection(
    connection_id: ConnectionId, *, connections: ConnectionRepository, broadcaster: Broadcaster, clock: Clock
) -> Connection:
    """The connection that somebody speaks over; one that is over, or that we know nothing of, is ended.

    Raises:
        ConnectionOver: it has been ended.
        Unavailable: MongoDB or API Gateway does not answer.
    """
    connection = connections.find(connection_id)
    if connection is None or connection.expires_at <= clock.now():
        end_connection(connection_id, connections=connections, broadcaster=broadcaster)
        raise ConnectionOver
    return connection


def subscribe(
    connection: Connection,
    job_id: str | None,
    *,
    connections: ConnectionRepository,
    jobs: JobRepository,
    broadcaster: Broadcaster,
    clock: Clock,
    show: Callable[[Change], Message],
) -> None:
    """Tell the connection of one job, or (`job_id` None) of all its user's jobs from now on, and how they stand now.

    The subscription is stored before the snapshot is read, so that no change falls between: it is in the snapshot, is
    pushed, or both. The snapshot is one update per job; of all jobs those that are live and the newest, each up to
    `SNAPSHOT_JOBS`.

    Raises:
        JobNotFound: no such job, or `job_id` is no id.
        JobForbidden: it is another user's.
        TooManySubscriptions: the connection has named as many jobs as it can.
        ConnectionOver: it has ended meanwhile.
        Unavailable: MongoDB or API Gateway does not answer.
    """
    wanted = None
    if job_id is not None:
        wanted = read_job(job_id, user_id=connection.user_id, jobs=jobs, clock=clock).id
        if len(connection.job_ids | {wanted}) > MAXIMUM_SUBSCRIPTIONS:
            raise TooManySubscriptions
    if not connections.subscribe(connection.id, wanted):
        raise ConnectionOver
    if wanted is None:
        found = _find_newest(connection.user_id, jobs=jobs, clock=clock)
    else:
        found = [read_job(wanted, user_id=connection.user_id, jobs=jobs, clock=clock)]
    updates = [(connection.id, show(Change(f"snapshot-{job.id}-{job.version}", job))) for job in found]
    push_messages(updates, connections=connections, broadcaster=broadcaster)
    extra = {"action": "subscribed", "connection_id": connection.id, "jobs": len(updates)}
    logger.info("Subscribed", extra=extra)


def _find_newest(user_id: UserId, *, jobs: JobRepository, clock: Clock) -> list[VideoJob]:
    now = clock.now()
    found = jobs.list_newest(user_id, now, limit=SNAPSHOT_JOBS)
    if len(found) == SNAPSHOT_JOBS:  # there may be older ones that are live
        for status in LIVE_STATUSES:
            found += jobs.list_newest(user_id, now, limit=SNAPSHOT_JOBS, status=status)
    return list({job.id: job for job in found}.values())
