"""Subscribe a live connection to jobs, and send it a snapshot of them."""

import logging
from collections.abc import Callable

from videojobs.domain.errors import ConnectionOver, TooManySubscriptions
from videojobs.domain.job import LIVE_STATUSES, UserId, VideoJob
from videojobs.domain.realtime import MAXIMUM_SUBSCRIPTIONS, SNAPSHOT_JOBS, Connection, Message
from videojobs.ports.changes import Change
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.services.push_change import LiveConnections
from videojobs.services.read_job import read_job

logger = logging.getLogger(__name__)


def subscribe(
    connection: Connection,
    job_id: str | None,
    *,
    live: LiveConnections,
    jobs: JobRepository,
    serialize: Callable[[Change], Message],
) -> None:
    """Subscribe a connection to one job, or to all of its user's jobs if `job_id` is None, and send a snapshot.

    The subscription is stored before the snapshot is read, so a change is in the snapshot, is pushed, or both. The
    snapshot is one update per job. With a subscription to all jobs, it contains the newest jobs and those of each live
    status, up to `SNAPSHOT_JOBS` of each, and is sent at most once per `SNAPSHOT_INTERVAL`.

    Raises:
        JobNotFound: If no such job exists, it is deleted or expired, or `job_id` is not a valid ID.
        JobForbidden: If the job is another user's.
        TooManySubscriptions: If the connection is subscribed to `MAXIMUM_SUBSCRIPTIONS` other jobs.
        RateLimited: If the connection was subscribed to all jobs within `SNAPSHOT_INTERVAL`, and so got a snapshot.
        ConnectionOver: If the connection was removed meanwhile.
        Unavailable: If MongoDB or API Gateway does not respond.
    """
    clock = live.clock
    subscribed_id = None
    if job_id is not None:
        subscribed_id = read_job(job_id, user_id=connection.user_id, jobs=jobs, clock=clock).id
        if len(connection.job_ids | {subscribed_id}) > MAXIMUM_SUBSCRIPTIONS:
            raise TooManySubscriptions
    if not live.repository.subscribe(connection.id, subscribed_id, clock.now()):
        raise ConnectionOver
    if subscribed_id is None:
        snapshot = _find_newest(connection.user_id, jobs=jobs, clock=clock)
    else:
        snapshot = [read_job(subscribed_id, user_id=connection.user_id, jobs=jobs, clock=clock)]
    changes = [Change(f"snapshot-{job.id}-{job.version}", job) for job in snapshot]
    updates = [(connection.id, serialize(live.with_estimate(change))) for change in changes]
    live.send(updates)
    extra = {"action": "subscribed", "connection_id": connection.id, "jobs": len(updates)}
    logger.info("Subscribed", extra=extra)


def _find_newest(user_id: UserId, *, jobs: JobRepository, clock: Clock) -> list[VideoJob]:
    now = clock.now()
    newest = jobs.list_newest(user_id, now, limit=SNAPSHOT_JOBS)
    if len(newest) == SNAPSHOT_JOBS:  # older live jobs may exist
        for status in LIVE_STATUSES:
            newest += jobs.list_newest(user_id, now, limit=SNAPSHOT_JOBS, status=status)
    return list({job.id: job for job in newest}.values())
