"""Repository of the submission state: one document in the collection `intake`, present while submissions are paused."""

from datetime import UTC, datetime, timedelta

from pymongo import timeout

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, to_integer, to_text, to_time
from videojobs.domain.submissions import CACHE_SECONDS, OPEN, RETRY_AFTER_SECONDS, SubmissionState

COLLECTION = "intake"
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
SWITCH = {"_id": "switch"}
READ_SECONDS = 1.0
"""Timeout of reading the state; storing the job has the full timeout of `MongoConnection`."""


class MongoSubmissionRepository:
    """Submission state in MongoDB, cached for `CACHE_SECONDS`. Implements `ports.SubmissionRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection
        self._remembered: tuple[datetime, SubmissionState] | None = None

    def read(self, now: datetime) -> SubmissionState:
        """Return the state, read at most once in `CACHE_SECONDS`, or again if the clock was set back.

        Raises:
            Unavailable: If MongoDB does not respond within `READ_SECONDS` when the state is read.
        """
        cached_for = timedelta(seconds=CACHE_SECONDS)
        if self._remembered is None or not timedelta(0) <= now - self._remembered[0] < cached_for:
            self._remembered = (now, self._find())
        return self._remembered[1]

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """Pause submissions and return the state. Repeated, it keeps the first `pausedAt` and replaces the reason.

        Raises:
            Unavailable: If MongoDB does not respond in time; submissions may have been paused.
        """
        change = {
            "$set": {"reason": reason, "retryAfterSeconds": retry_after_seconds},
            "$setOnInsert": {"pausedAt": now},
        }
        self._connection.run(lambda database: database[COLLECTION].update_one(SWITCH, change, upsert=True))
        self._remembered = None
        return self.read(now)

    def resume(self) -> None:
        """Accept submissions again, by deleting the document; idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; submissions may have been resumed.
        """
        self._connection.run(lambda database: database[COLLECTION].delete_one(SWITCH))
        self._remembered = None

    def _find(self) -> SubmissionState:
        with timeout(READ_SECONDS):
            document: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one(SWITCH))
        return OPEN if document is None else _from_document(document)


def _from_document(document: Document) -> SubmissionState:
    """Return the state that the document contains. Submissions are paused even if all of its values are malformed."""
    fields = Fields(document)
    state = SubmissionState(
        fields.replace("pausedAt", to_time, UNKNOWN_TIME),
        fields.replace("reason", to_text, ""),
        fields.replace("retryAfterSeconds", to_integer, RETRY_AFTER_SECONDS),
    )
    fields.log_replaced("intake")
    return state
