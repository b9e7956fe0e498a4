"""The indexes of the collections, made at deployment by `functions/indexes`."""

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.connections import CONNECTIONS, TICKETS
from videojobs.adapters.mongo.jobs import COLLECTION
from videojobs.adapters.mongo.webhooks import FAILURES

INDEXES = (
    IndexModel([("status", ASCENDING), ("createdAt", ASCENDING)], name="status_age"),
    IndexModel([("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="user_newest"),
    IndexModel([("status", ASCENDING), ("next.dueAt", ASCENDING)], name="sweep"),
    IndexModel(
        [("userId", ASCENDING), ("idempotency.key", ASCENDING)],
        name="idempotency",
        unique=True,
        partialFilterExpression={"idempotency.key": {"$exists": True}},
    ),
    IndexModel([("outbox.at", ASCENDING)], name="outbox", sparse=True),
    IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
)
"""`status_age`: the platform's reports. `user_newest`: a user's jobs. `sweep`: the reconciler's (not partial, because
SecantusDB reads no partial index; an ended job stands in it once and never moves). `idempotency`: one job per user and
key. `outbox`: announcements not yet delivered. `expiry`: MongoDB removes a document soon after its `expiresAt`."""

NOTICED_SECONDS = 600
"""A connection that is over stays findable for so long, so that somebody ends it; by then API Gateway has ended one
over which nothing was said."""
REALTIME_INDEXES = {
    CONNECTIONS: (
        IndexModel([("userId", ASCENDING), ("slot", ASCENDING)], name="user_slot", unique=True),
        IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=NOTICED_SECONDS),
    ),
    TICKETS: (IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),),
}
"""`user_slot`: a user's live connections, each in a slot of its own."""
WEBHOOK_INDEXES = {FAILURES: (IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),)}

ALL_INDEXES = {COLLECTION: INDEXES, **REALTIME_INDEXES, **WEBHOOK_INDEXES}


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Create the indexes that are missing and return all their names; safe to repeat.

    Raises:
        pymongo.errors.OperationFailure: an index of that name has another definition: drop it first.
    """
    made = (database[collection].create_indexes(list(indexes)) for collection, indexes in ALL_INDEXES.items())
    return [name for names in made for name in names]
