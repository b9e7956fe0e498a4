"""The intake's switch: one document in the collection `intake`, there only while new jobs are refused."""

from datetime import datetime, timedelta

from pymongo import timeout

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.submissions import OPEN, SubmissionState

COLLECTION = "intake"
SWITCH = {"_id": "switch"}
CACHE_SECONDS = timedelta(seconds=3)
"""How long one process goes on as it is after an operator's word; every call but one in that time reads nothing."""
READ_SECONDS = 1.0
"""No caller waits longer for the switch; the job itself has all the time of `MongoConnection`."""


class MongoSubmissionRepository:
    """See `ports.SubmissionRepository`; by `_id`. What was read is remembered for `CACHE_SECONDS`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection
        self._remembered: tuple[datetime, SubmissionState] | None = None

    def read(self, now: datetime) -> SubmissionState:
        """Read at most once in `CACHE_SECONDS`; a clock that was set back reads anew."""
        if self._remembered is None or not timedelta(0) <= now - self._remembered[0] < CACHE_SECONDS:
            self._remembered = (now, self._find())
        return self._remembered[1]

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> SubmissionState:
        """An upsert; the first pause's time stays."""
        change = {
            "$set": {"reason": reason, "retryAfterSeconds": retry_after_seconds},
            "$setOnInsert": {"pausedAt": now},
        }
        self._connection.run(lambda database: database[COLLECTION].update_one(SWITCH, change, upsert=True))
        self._remembered = None
        return self.read(now)

    def resume(self) -> None:
        """Delete it."""
        self._connection.run(lambda database: database[COLLECTION].delete_one(SWITCH))
        self._remembered = None

    def _find(self) -> SubmissionState:
        with timeout(READ_SECONDS):
            found: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one(SWITCH))
        return (
            OPEN if found is None else SubmissionState(found["pausedAt"], found["reason"], found["retryAfterSeconds"])
        )
