"""Live connections and the tickets that open them, in the collections `connections` and `tickets`."""

from collections.abc import Callable
from datetime import datetime

from bson import ObjectId
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.errors import TooManyConnections
from videojobs.domain.job import JobId, UserId
from videojobs.domain.realtime import Connection, ConnectionId, Identity

CONNECTIONS, TICKETS = "connections", "tickets"


class MongoConnectionRepository:
    """See `ports.ConnectionRepository`. Each connection holds a slot of its user's; no two hold the same."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Insert into the first free slot; the unique index `user_slot` decides who gets it, others try the next."""
        user = {"userId": ObjectId(connection.user_id)}

        def insert(connections: Collection[Document]) -> bool:
            taken = {found["slot"] for found in connections.find(user, {"slot": True})}
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

        while not self._run(insert):  # each failure is somebody else's success, until there is no room
            pass

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """By `_id`."""
        document = self._run(lambda connections: connections.find_one({"_id": connection_id}))
        return None if document is None else _from_document(document)

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """By the index `user_slot`."""
        query = {"userId": ObjectId(user_id)}
        return self._run(lambda connections: [_from_document(found) for found in connections.find(query)])

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None) -> bool:
        """By `_id`."""
        wish = {"$set": {"allJobs": True}} if job_id is None else {"$addToSet": {"jobIds": ObjectId(job_id)}}
        return self._run(lambda connections: connections.update_one({"_id": connection_id}, wish)).matched_count == 1

    def remove(self, connection_id: ConnectionId) -> None:
        """By `_id`."""
        self._run(lambda connections: connections.delete_one({"_id": connection_id}))

    def _run[T](self, operation: Callable[[Collection[Document]], T]) -> T:
        return self._connection.run(lambda database: operation(database[CONNECTIONS]))


class MongoTicketRepository:
    """See `ports.TicketRepository`; by `_id`, which is the ticket's digest."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Insert it."""
        who = {"userId": ObjectId(identity.user_id), "sessionExpiresAt": identity.expires_at}
        self._run(lambda tickets: tickets.insert_one({"_id": digest, **who, "expiresAt": expires_at}))

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Read it and delete it: whoever deleted it has it."""
        found = self._run(lambda tickets: tickets.find_one({"_id": digest, "expiresAt": {"$gt": now}}))
        if found is None or self._run(lambda tickets: tickets.delete_one({"_id": digest})).deleted_count == 0:
            return None
        return Identity(UserId(str(found["userId"])), found["sessionExpiresAt"])

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
    return Connection(
        id=ConnectionId(document["_id"]),
        user_id=UserId(str(document["userId"])),
        expires_at=document["expiresAt"],
        all_jobs=document["allJobs"],
        job_ids=frozenset(JobId(str(job_id)) for job_id in document["jobIds"]),
    )
