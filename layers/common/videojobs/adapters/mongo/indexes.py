"""Indexes of all collections, created at deployment by `functions/deployment_hooks`."""

from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from videojobs.adapters.mongo import batches, connections, jobs, rates, slots, webhooks
from videojobs.adapters.mongo.connection import Document

_NEWEST = [("createdAt", DESCENDING), ("_id", DESCENDING)]
_IDEMPOTENCY = IndexModel(
    [("userId", ASCENDING), ("idempotency.key", ASCENDING)],
    name="idempotency",
    unique=True,
    partialFilterExpression={"idempotency.key": {"$exists": True}},
)
NOTICED_SECONDS = 600
"""How long an expired connection stays stored, so that it can be found and closed.

API Gateway closes idle connections after the same 10 minutes.
"""
_EXPIRY = IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0)

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    jobs.COLLECTION: (
        IndexModel([("status", ASCENDING), ("createdAt", ASCENDING)], name="status_age"),
        IndexModel([("userId", ASCENDING), *_NEWEST], name="user_newest"),
        IndexModel([("userId", ASCENDING), ("status", ASCENDING), *_NEWEST], name="user_status"),
        IndexModel([("userId", ASCENDING), ("batchId", ASCENDING), *_NEWEST], name="user_batch"),
        IndexModel(
            [("userId", ASCENDING), ("priority", ASCENDING), ("waitingSince", ASCENDING), ("_id", ASCENDING)],
            name="waiting",
        ),
        IndexModel([("status", ASCENDING), ("next.dueAt", ASCENDING)], name="sweep"),
        _IDEMPOTENCY,
        IndexModel([("outbox.at", ASCENDING)], name="outbox", sparse=True),
        _EXPIRY,
    ),
    batches.COLLECTION: (IndexModel([("userId", ASCENDING), *_NEWEST], name="user_newest"), _IDEMPOTENCY, _EXPIRY),
    slots.COLLECTION: (IndexModel([("checkedAt", ASCENDING)], name="checked"),),
    rates.COLLECTION: (_EXPIRY,),
    connections.CONNECTIONS: (
        IndexModel([("userId", ASCENDING), ("slot", ASCENDING)], name="user_slot", unique=True),
        IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=NOTICED_SECONDS),
    ),
    connections.TICKETS: (_EXPIRY,),
    webhooks.FAILURES: (_EXPIRY,),
}
"""Indexes of each collection.

- `status_age`: jobs by status and age, for the platform's reports and for replays of failed jobs.
- `user_newest`, `user_status`, `user_batch`: the lists of a user's jobs.
- `waiting`: the user's job that is admitted next.
- `sweep`: the reconciler's searches and the count of jobs ahead. It is not partial: a finished job has one entry that
  never changes.
- `idempotency`: one job or batch per user and idempotency key.
- `outbox`: announcements that are not yet sent.
- `expiry`: TTL index; MongoDB removes a document soon after its `expiresAt`.
- `checked`: the users' slots that the reconciler checks next.
- `user_slot`: a user's connections, each with its own slot number.
"""


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Create the missing indexes and return the names of all indexes; idempotent.

    Raises:
        pymongo.errors.OperationFailure: If an index with the same name has another definition, which must be dropped
            first, or the user can't create indexes.
        pymongo.errors.PyMongoError: If MongoDB does not respond in time; some indexes may have been created.
    """
    names: list[str] = []
    for collection, models in INDEXES.items():
        names += database[collection].create_indexes(list(models))
    return names
