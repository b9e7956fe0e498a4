"""Repositories of WebSocket connections and of the tickets that open them (`connections` and `tickets`)."""

from collections.abc import Callable
from datetime import datetime

from bson import ObjectId
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_all, read_one, to_list, to_object_id, to_text, to_time
from videojobs.domain.errors import RateLimited, TooManyConnections
from videojobs.domain.job import JobId, UserId
from videojobs.domain.realtime import SNAPSHOT_INTERVAL, Connection, ConnectionId, Identity

CONNECTIONS, TICKETS = "connections", "tickets"


class MongoConnectionRepository:
    """WebSocket connections in MongoDB. Implements `ports.ConnectionRepository`.

    Each connection of a user has its own slot number; the unique index `user_slot` enforces this.
    """

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Insert the connection into the user's lowest free slot.

        If a concurrent insert takes the slot, the next free slot is tried. If all slots are taken, the user's expired
        connections are deleted first.

        Raises:
            TooManyConnections: If the user already has `at_most` connections that have not expired.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        user = {"userId": ObjectId(connection.user_id)}

        def insert(connections: Collection[Document]) -> bool:
            taken = {document["slot"] for document in connections.find(user, {"slot": True})}
            if len(taken) >= at_most:
                if connections.delete_many(user | {"expiresAt": {"$lte": now}}).deleted_count == 0:
                    raise TooManyConnections
                return False
            slot = min(set(range(at_most)) - taken)
            try:
                connections.insert_one(_to_document(connection) | {"slot": slot, "connectedAt": now})
            except DuplicateKeyError:
                return False
            return True

        while not self._run(insert):  # each failed try means that another insert succeeded or a slot became free
            pass

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """Return the connection, even if it has expired, or None if it is removed or malformed. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        document = self._run(lambda connections: connections.find_one({"_id": connection_id}))
        return read_one(document, _from_document, "connection")

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """Return all of a user's connections, including expired ones. Served by the index `user_slot`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        query = {"userId": ObjectId(user_id)}
        return self._run(lambda connections: list(read_all(connections.find(query), _from_document, "connection")))

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None, now: datetime) -> bool:
        """Subscribe the connection to a job, or to all jobs if `job_id` is None. Idempotent.

        Return whether the connection exists. A subscription to all jobs stores `snapshotAt` under a guard. Served by
        `_id`.

        Raises:
            RateLimited: If the connection was subscribed to all jobs within `SNAPSHOT_INTERVAL` before `now`.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        key: Document = {"_id": connection_id}
        guard: Document = {}
        change: Document = {"$addToSet": {"jobIds": ObjectId(job_id)}}
        if job_id is None:
            guard = {"snapshotAt": {"$not": {"$gt": now - SNAPSHOT_INTERVAL}}}
            change = {"$set": {"allJobs": True, "snapshotAt": now}}
        if self._run(lambda connections: connections.update_one(key | guard, change)).matched_count == 1:
            return True
        if guard and self.find(connection_id) is not None:
            raise RateLimited(round(SNAPSHOT_INTERVAL.total_seconds()))
        return False

    def remove(self, connection_id: ConnectionId) -> None:
        """Delete the connection; idempotent. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        self._run(lambda connections: connections.delete_one({"_id": connection_id}))

    def _run[T](self, operation: Callable[[Collection[Document]], T]) -> T:
        return self._connection.run(lambda database: operation(database[CONNECTIONS]))


class MongoTicketRepository:
    """Tickets in MongoDB. Implements `ports.TicketRepository`; `_id` is the ticket's digest."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Insert a ticket with the identity that it grants and the time when it expires.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        fields = {"userId": ObjectId(identity.user_id), "sessionExpiresAt": identity.expires_at}
        self._run(lambda tickets: tickets.insert_one({"_id": digest, **fields, "expiresAt": expires_at}))

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Delete the ticket and return its identity; None if it does not exist, has expired or was already used.

        Of concurrent callers only the caller whose delete succeeds gets the identity.

        Raises:
            Unavailable: If MongoDB does not respond in time; the ticket may have been deleted.
        """
        ticket = self._run(lambda tickets: tickets.find_one({"_id": digest, "expiresAt": {"$gt": now}}))
        if ticket is None or self._run(lambda tickets: tickets.delete_one({"_id": digest})).deleted_count == 0:
            return None
        return read_one(ticket, _to_identity, "ticket")

    def _run[T](self, operation: Callable[[Collection[Document]], T]) -> T:
        return self._connection.run(lambda database: operation(database[TICKETS]))


def _to_document(connection: Connection) -> Document:
    return {
        "_id": connection.id,
        "userId": ObjectId(connection.user_id),
        "expiresAt": connection.expires_at,
        "allJobs": connection.all_jobs,
        "jobIds": [ObjectId(job_id) for job_id in sorted(connection.job_ids)],
    }


def _from_document(document: Document) -> Connection:
    fields = Fields(document)
    return Connection(
        id=ConnectionId(fields.require("_id", to_text)),
        user_id=UserId(fields.require("userId", to_object_id)),
        expires_at=fields.require("expiresAt", to_time),
        all_jobs=document.get("allJobs") is True,
        job_ids=fields.require("jobIds", lambda ids: frozenset(JobId(to_object_id(job_id)) for job_id in to_list(ids))),
    )


def _to_identity(ticket: Document) -> Identity:
    fields = Fields(ticket)
    return Identity(UserId(fields.require("userId", to_object_id)), fields.require("sessionExpiresAt", to_time))
