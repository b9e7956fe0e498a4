"""The circuit breakers, one document per provider in the collection `circuits`."""

from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.circuit import Circuit

COLLECTION = "circuits"


class MongoCircuitRepository:
    """See `ports.CircuitRepository`; by `_id`, which is the provider's name."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def find(self, provider: str) -> Circuit:
        """Read it."""
        found: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one({"_id": provider}))
        if found is None:
            return Circuit(provider)
        return Circuit(provider, found["failures"], found["opened"], found.get("openUntil"), found["version"])

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Compare and set by `version`; the first save inserts, and one of two inserts wins."""
        state = {
            "failures": after.failures,
            "opened": after.opened,
            "openUntil": after.open_until,
            "version": after.version,
        }
        guard = {"_id": before.provider, "version": before.version}
        try:
            result = self._connection.run(
                lambda database: database[COLLECTION].update_one(guard, {"$set": state}, upsert=before.version == 0)
            )
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None
