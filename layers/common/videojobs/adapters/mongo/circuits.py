"""Repository of circuit breakers, with one document per provider in the collection `circuits`."""

from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_one, to_integer, to_text, to_time
from videojobs.domain.circuit import Circuit

COLLECTION = "circuits"


class MongoCircuitRepository:
    """Circuit breakers in MongoDB. Implements `ports.CircuitRepository`; `_id` is the provider's name."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def find(self, provider: str) -> Circuit:
        """Return the provider's circuit; a new closed circuit if none is stored or it is malformed.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        document: Document | None = self._connection.run(
            lambda database: database[COLLECTION].find_one({"_id": provider})
        )
        return read_one(document, _from_document, "circuit") or Circuit(provider)

    def save(self, before: Circuit, after: Circuit) -> bool:
        """Store `after` if the stored version is still that of `before`; return whether it was stored.

        The first save inserts the document. Of two concurrent saves exactly one succeeds.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
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


def _from_document(document: Document) -> Circuit:
    fields = Fields(document)
    return Circuit(
        provider=fields.require("_id", to_text),
        failures=fields.require("failures", to_integer),
        opened=fields.require("opened", to_integer),
        open_until=fields.read("openUntil", to_time, None),
        version=fields.require("version", to_integer),
    )
