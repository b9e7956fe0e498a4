"""The intake's switch: one document in the collection `intake`, there only while new jobs are refused."""

from datetime import datetime, timedelta

from pymongo import timeout

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.intake import OPEN, Intake

COLLECTION = "intake"
SWITCH = {"_id": "switch"}
REMEMBERED = timedelta(seconds=3)
"""How long one process goes on as it is after an operator's word; every call but one in that time reads nothing."""
READ_SECONDS = 1.0
"""No caller waits longer for the switch; the job itself has all the time of `MongoConnection`."""


class MongoIntakeRepository:
    """See `ports.IntakeRepository`; by `_id`. What was read is remembered for `REMEMBERED`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection
        self._remembered: tuple[datetime, Intake] | None = None

    def read(self, now: datetime) -> Intake:
        """Read at most once in `REMEMBERED`; a clock that was set back reads anew."""
        if self._remembered is None or not timedelta(0) <= now - self._remembered[0] < REMEMBERED:
            self._remembered = (now, self._find())
        return self._remembered[1]

    def pause(self, now: datetime, *, reason: str, retry_after_seconds: int) -> Intake:
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

    def _find(self) -> Intake:
        with timeout(READ_SECONDS):
            found: Document | None = self._connection.run(lambda database: database[COLLECTION].find_one(SWITCH))
        return OPEN if found is None else Intake(found["pausedAt"], found["reason"], found["retryAfterSeconds"])
