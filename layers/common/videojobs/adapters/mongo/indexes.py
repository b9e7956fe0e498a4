"""The indexes of every collection, made at deployment by `functions/deployment_hooks`."""

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
"""A connection that is over stays findable for so long, so that somebody ends it; by then API Gateway has ended one
over which nothing was said."""
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
"""`status_age`: the platform's reports. `user_newest`, `user_status`, `user_batch`: a user's jobs, all or some.
`waiting`: who is next to be let in. `sweep`: the reconciler's, and how many are ahead (not partial: an ended job is in
it once and never moves). `idempotency`: one job, or batch, per user and key. `outbox`: announcements not yet delivered.
`expiry`: MongoDB removes a document soon after its `expiresAt`. `checked`: the users' slots that the reconciler checks
next. `user_slot`: a user's live connections, each in a slot of its own."""


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Create the indexes that are missing and return all their names; safe to repeat.

    Raises:
        pymongo.errors.OperationFailure: an index of that name has another definition: drop it first.
    """
    names: list[str] = []
    for collection, models in INDEXES.items():
        names += database[collection].create_indexes(list(models))
    return names
