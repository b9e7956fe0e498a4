"""Repository of job durations: the last 50 of each kind, in the collection `timings`."""

from time import monotonic

from pymongo import WriteConcern

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_one, to_list, to_number

COLLECTION = "timings"
KEPT = 50
REMEMBERED_SECONDS = 60

_UNJOURNALED = WriteConcern(w=1, j=False)
"""A failover can lose a few durations, which does not change the median noticeably."""


class MongoTimingRepository:
    """Job durations in MongoDB, cached for a minute. Implements `ports.TimingRepository`; `_id` is the kind."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection
        self._remembered: dict[str, tuple[float, float | None]] = {}

    def record(self, kind: str, seconds: float) -> None:
        """Add a duration in seconds, and remove the oldest if the kind then has more than `KEPT`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        change = {"$push": {"seconds": {"$each": [round(seconds, 3)], "$slice": -KEPT}}}
        self._connection.run(
            lambda database: database.get_collection(COLLECTION, write_concern=_UNJOURNALED).update_one(
                {"_id": kind}, change, upsert=True
            )
        )

    def usual_seconds(self, kind: str) -> float | None:
        """Return the median of the last durations in seconds, or None if there are none. Read at most once a minute.

        Raises:
            Unavailable: If MongoDB does not respond in time when the durations are read.
        """
        read_at, usual = self._remembered.get(kind, (None, None))
        if read_at is None or monotonic() - read_at > REMEMBERED_SECONDS:
            document: Document | None = self._connection.run(
                lambda database: database[COLLECTION].find_one({"_id": kind})
            )
            usual = read_one(document, _usual, "timing")
            self._remembered[kind] = (monotonic(), usual)
        return usual


def _usual(document: Document) -> float:
    return Fields(document).require("seconds", lambda seconds: _median(sorted(map(to_number, to_list(seconds)))))


def _median(ordered: list[int | float]) -> float:
    """Return the median of ordered numbers. `statistics` would import `fractions`, which slows each cold start."""
    if not ordered:
        raise ValueError("no numbers")
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
