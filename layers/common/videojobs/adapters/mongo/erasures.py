"""Repository of users whose videos are being erased, in the collection `erasures`; `_id` is the user ID."""

from collections.abc import Iterable
from datetime import datetime

from bson import ObjectId

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.job import UserId

COLLECTION = "erasures"


class MongoErasureRepository:
    """Pending erasures in MongoDB. Implements `ports.ErasureRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Store the erasure; if one is stored for the user, keep the later `created_before`. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        change = {"$max": {"createdBefore": created_before}}
        identity = {"_id": ObjectId(user_id)}
        self._connection.run(lambda database: database[COLLECTION].update_one(identity, change, upsert=True))

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """Return up to `limit` pending erasures as `(user_id, created_before)`; all documents are pending.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        documents: list[Document] = self._connection.run(
            lambda database: list(database[COLLECTION].find().limit(limit))
        )
        return [(UserId(str(document["_id"])), document["createdBefore"]) for document in documents]

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Delete the erasure, unless `created_before` has changed since. Idempotent. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        query = {"_id": ObjectId(user_id), "createdBefore": created_before}
        self._connection.run(lambda database: database[COLLECTION].delete_one(query))
