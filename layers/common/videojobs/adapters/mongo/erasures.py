"""Repository of users whose videos are being erased, in the collection `erasures`; `_id` is the user ID."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from bson import ObjectId
from pymongo.database import Database

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_all, to_object_id, to_time
from videojobs.domain.job import UserId

COLLECTION = "erasures"


class MongoErasureRepository:
    """Requests in MongoDB to erase a user's jobs, until they are finished. Implements `ports.ErasureRepository`."""

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

        def find(database: Database[Document]) -> list[tuple[UserId, datetime]]:
            return list(islice(read_all(database[COLLECTION].find(), _from_document, "erasure"), limit))

        return self._connection.run(find)

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Delete the erasure, unless `created_before` has changed since. Idempotent. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        query = {"_id": ObjectId(user_id), "createdBefore": created_before}
        self._connection.run(lambda database: database[COLLECTION].delete_one(query))


def _from_document(document: Document) -> tuple[UserId, datetime]:
    fields = Fields(document)
    return UserId(fields.require("_id", to_object_id)), fields.require("createdBefore", _to_request_time)


def _to_request_time(value: object) -> datetime:
    """Return a time that an ObjectId can contain, which has 32 bits for it; raise ValueError for other values."""
    time = to_time(value)
    if not 1970 <= time.year < 2106:
        raise ValueError("not the time of a request")
    return time
