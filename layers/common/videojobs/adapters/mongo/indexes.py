"""The indexes of the collection, made at deployment by `functions/indexes`."""

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.jobs import COLLECTION
from videojobs.domain.job import LIVE_STATUSES

INDEXES = (
    IndexModel([("status", ASCENDING), ("createdAt", ASCENDING)], name="status_age"),
    IndexModel([("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="user_newest"),
    IndexModel(
        [("status", ASCENDING), ("next.dueAt", ASCENDING)],
        name="sweep",
        partialFilterExpression={"status": {"$in": sorted(LIVE_STATUSES)}},
    ),
    IndexModel(
        [("userId", ASCENDING), ("idempotency.key", ASCENDING)],
        name="idempotency",
        unique=True,
        partialFilterExpression={"idempotency.key": {"$exists": True}},
    ),
    IndexModel([("expiresAt", ASCENDING)], name="expiry", expireAfterSeconds=0),
)
"""`status_age`: the platform's reports. `user_newest`: a user's jobs. `sweep`: the reconciler's, live jobs
only. `idempotency`: one job per user and key. `expiry`: MongoDB removes a document soon after its `expiresAt`."""


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Create the indexes that are missing and return all their names; safe to repeat.

    Raises:
        pymongo.errors.OperationFailure: an index of that name has another definition: drop it first.
    """
    return database[COLLECTION].create_indexes(list(INDEXES))
