"""The indexes of the collection, made at deployment by `functions/indexes`."""

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.jobs import COLLECTION

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


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Create the indexes that are missing and return all their names; safe to repeat.

    Raises:
        pymongo.errors.OperationFailure: an index of that name has another definition: drop it first.
    """
    return database[COLLECTION].create_indexes(list(INDEXES))
