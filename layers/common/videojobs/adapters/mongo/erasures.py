"""Users whose videos are being erased, in the collection `erasures`; `_id` is the user's."""

from collections.abc import Iterable
from datetime import datetime

from bson import ObjectId

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.job import UserId

COLLECTION = "erasures"


class MongoErasureRepository:
    """See `ports.ErasureRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """By `_id`; `$max`, so that the later moment stays."""
        change = {"$max": {"createdBefore": created_before}}
        identity = {"_id": ObjectId(user_id)}
        self._connection.run(lambda database: database[COLLECTION].update_one(identity, change, upsert=True))

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """The whole collection is what is still to be done."""
        found: list[Document] = self._connection.run(lambda database: list(database[COLLECTION].find().limit(limit)))
        return [(UserId(str(document["_id"])), document["createdBefore"]) for document in found]

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """By `_id`, guarded by the moment."""
        done = {"_id": ObjectId(user_id), "createdBefore": created_before}
        self._connection.run(lambda database: database[COLLECTION].delete_one(done))
