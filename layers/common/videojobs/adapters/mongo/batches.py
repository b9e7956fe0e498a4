"""The batches, in the collection `batches`, each stored with its jobs in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from bson import ObjectId
from pymongo import timeout
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import to_document
from videojobs.adapters.mongo.jobs import COLLECTION as JOBS
from videojobs.domain.errors import IdempotencyKeyTaken
from videojobs.domain.job import Batch, BatchId, IdempotencyKey, JobId, UserId, VideoJob

COLLECTION = "batches"


class MongoBatchRepository:
    """See `ports.BatchRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def new_id(self) -> BatchId:
        """A fresh ObjectId."""
        return BatchId(str(ObjectId()))

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """One transaction, repeated as a whole by the driver where that can help, within the time of one operation."""
        document, documents = _to_document(batch), [to_document(job) for job in jobs]

        def insert(database: Database[Document]) -> None:
            def write(session: ClientSession) -> None:
                database[COLLECTION].insert_one(document, session=session)
                database[JOBS].insert_many(documents, session=session)

            # The client's own limit holds for each command, while `with_transaction` repeats them for two minutes.
            with timeout(self._connection.TIMEOUT_MS / 1000), database.client.start_session() as session:
                session.with_transaction(write)

        try:
            self._connection.run(insert)
        except DuplicateKeyError as error:
            if "idempotency" in str(error.details):
                raise IdempotencyKeyTaken from None  # the error quotes the key
            # A duplicate `_id` can only be this insert's own first try, whose answer was lost.

    def find(self, batch_id: BatchId) -> Batch | None:
        """By `_id`."""
        return self._find({"_id": ObjectId(batch_id)})

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """By the unique index `idempotency`."""
        return self._find({"userId": ObjectId(user_id), "idempotency.key": key})

    def release_key(self, batch: Batch) -> None:
        """By `_id`."""
        change = {"$unset": {"idempotency": ""}}
        self._connection.run(lambda database: database[COLLECTION].update_one({"_id": ObjectId(batch.id)}, change))

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """By the index `user_newest`."""
        query = {"userId": ObjectId(user_id), "createdAt": {"$lte": created_before}}
        self._connection.run(lambda database: database[COLLECTION].delete_many(query))

    def _find(self, query: Document) -> Batch | None:
        found: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one(query))
        return None if found is None else _from_document(found)


def _to_document(batch: Batch) -> Document:
    document: Document = {
        "_id": ObjectId(batch.id),
        "userId": ObjectId(batch.user_id),
        "jobIds": [ObjectId(job_id) for job_id in batch.job_ids],
        "createdAt": batch.created_at,
        "expiresAt": batch.expires_at,
    }
    if batch.idempotency is not None:
        document["idempotency"] = {"key": batch.idempotency.key, "fingerprint": batch.idempotency.fingerprint}
    return document


def _from_document(document: Document) -> Batch:
    key = document.get("idempotency")
    return Batch(
        id=BatchId(str(document["_id"])),
        user_id=UserId(str(document["userId"])),
        job_ids=tuple(JobId(str(job_id)) for job_id in document["jobIds"]),
        created_at=document["createdAt"],
        expires_at=document["expiresAt"],
        idempotency=IdempotencyKey(key["key"], key["fingerprint"]) if key else None,
    )
