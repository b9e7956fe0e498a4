"""How long jobs took: per kind the last fifty, in the collection `timings`."""

from statistics import median
from time import monotonic

from pymongo import WriteConcern

from videojobs.adapters.mongo.connection import Document, MongoConnection

COLLECTION = "timings"
KEPT = 50
REMEMBERED_SECONDS = 60

_UNJOURNALED = WriteConcern(w=1, j=False)
"""One that is lost makes no difference to a median."""


class MongoTimingRepository:
    """See `ports.TimingRepository`; by `_id`, which is the kind. What was read is remembered for a minute."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection
        self._remembered: dict[str, tuple[float, float | None]] = {}

    def record(self, kind: str, seconds: float) -> None:
        """A `$push` with `$slice`."""
        change = {"$push": {"seconds": {"$each": [round(seconds, 3)], "$slice": -KEPT}}}
        self._connection.run(
            lambda database: database.get_collection(COLLECTION, write_concern=_UNJOURNALED).update_one(
                {"_id": kind}, change, upsert=True
            )
        )

    def usual_seconds(self, kind: str) -> float | None:
        """Read at most once a minute."""
        read_at, usual = self._remembered.get(kind, (None, None))
        if read_at is None or monotonic() - read_at > REMEMBERED_SECONDS:
            found: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one({"_id": kind}))
            usual = median(found["seconds"]) if found else None
            self._remembered[kind] = (monotonic(), usual)
        return usual
