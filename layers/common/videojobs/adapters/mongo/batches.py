"""Repository of batches in the collection `batches`; a batch and its jobs are stored in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from bson import ObjectId
from pymongo import timeout
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import to_document, to_key
from videojobs.adapters.mongo.jobs import COLLECTION as JOBS
from videojobs.adapters.mongo.reading import Fields, created_up_to, read_one, to_list, to_object_id, to_time
from videojobs.domain.errors import IdempotencyKeyTaken
from videojobs.domain.job import Batch, BatchId, JobId, UserId, VideoJob

COLLECTION = "batches"


class MongoBatchRepository:
    """Batches in MongoDB. Implements `ports.BatchRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def new_id(self) -> BatchId:
        """Return a new ObjectId as text; nothing is written."""
        return BatchId(str(ObjectId()))

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert the batch and its jobs in one transaction.

        The driver repeats the transaction after transient errors, within the timeout of one operation.

        Raises:
            IdempotencyKeyTaken: If the user already has a batch with this idempotency key.
            Unavailable: If MongoDB does not respond in time; either all documents are stored or none.
        """
        document, documents = _to_document(batch), [to_document(job) for job in jobs]

        def insert(database: Database[Document]) -> None:
            def write(session: ClientSession) -> None:
                database[COLLECTION].insert_one(document, session=session)
                database[JOBS].insert_many(documents, session=session)

            # The client's timeout applies to each command, but `with_transaction` retries for up to two minutes.
            with timeout(self._connection.TIMEOUT_MS / 1000), database.client.start_session() as session:
                session.with_transaction(write)

        try:
            self._connection.run(insert)
        except DuplicateKeyError as error:
            if "idempotency" in str(error.details):
                raise IdempotencyKeyTaken from None  # the driver's error contains the key
            # A duplicate `_id` means that an earlier try of this insert succeeded and its response was lost.

    def find(self, batch_id: BatchId) -> Batch | None:
        """Return the batch, or None if it does not exist or is malformed. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        return self._find({"_id": ObjectId(batch_id)})

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """Return the user's batch with this idempotency key, or None. Served by the unique index `idempotency`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        return self._find({"userId": ObjectId(user_id), "idempotency.key": key})

    def release_key(self, batch: Batch) -> None:
        """Remove the idempotency key from the batch; idempotent. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        change = {"$unset": {"idempotency": ""}}
        self._connection.run(lambda database: database[COLLECTION].update_one({"_id": ObjectId(batch.id)}, change))

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Delete the user's batches that `created_up_to` matches. Idempotent. Index: `user_newest`.

        Raises:
            Unavailable: If MongoDB does not respond in time; some batches may have been deleted.
        """
        query = created_up_to(user_id, created_before)
        self._connection.run(lambda database: database[COLLECTION].delete_many(query))

    def _find(self, query: Document) -> Batch | None:
        document: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one(query))
        return read_one(document, _from_document, "batch")


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
    fields = Fields(document)
    return Batch(
        id=BatchId(fields.require("_id", to_object_id)),
        user_id=UserId(fields.require("userId", to_object_id)),
        job_ids=fields.require("jobIds", lambda ids: tuple(JobId(to_object_id(job_id)) for job_id in to_list(ids))),
        created_at=fields.require("createdAt", to_time),
        expires_at=fields.require("expiresAt", to_time),
        idempotency=fields.read("idempotency", to_key, None),
    )
