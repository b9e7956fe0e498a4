"""The users' shares of the lanes, one document each in the collection `shares`; its `_id` is `userId:priority`."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, UserSlots

COLLECTION = "shares"

_TRIES = 5
"""Of writers that count the same slots slots one wins in each round; who loses all of them waits."""


class MongoSlotRepository:
    """See `ports.SlotRepository`; everything but `find_unchecked` by `_id`."""

    def __init__(self, connection: MongoConnection, *, cap: int) -> None:
        """`cap` is how many jobs of a user may be active in a lane."""
        self._connection, self.cap = connection, cap

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """First for all that could fit, at one write's cost; only then by looking how many do."""
        identity = {"_id": _key(user_id, priority)}
        slots = min(len(job_ids), self.cap)
        for _ in range(_TRIES):
            if slots == 0 or self._put(identity | {"waitingAt": None}, job_ids[:slots], now):
                break
            found = self._find(identity)
            waiting = found is not None and found.get("waitingAt") is not None
            slots = 0 if waiting else min(len(job_ids), self.cap - len(found["active"] if found else ()))
        else:
            slots = 0
        if slots < len(job_ids):
            self._update(identity, {"$set": {"waitingAt": now, "changedAt": now}, **_new(now)}, upsert=True)
        return slots

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """A guarded `$addToSet`; one that is in already is found in the share."""
        identity = {"_id": _key(user_id, priority)}
        if self._put(identity, [job_id], now):
            return True
        found = self._find(identity)
        return found is not None and job_id in found["active"]

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """A `$pull`, then a look at who waits."""
        identity = {"_id": _key(user_id, priority)}
        self._update(identity, {"$pull": {"active": {"$in": list(job_ids)}}})
        found = self._find(identity)
        return found is not None and found.get("waitingAt") is not None

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Guarded by `waitingAt`."""
        self._update({"_id": _key(user_id, priority), "waitingAt": {"$lte": seen_at}}, {"$unset": {"waitingAt": ""}})

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """By the index `checked`, the longest unchecked first."""
        query = {"checkedAt": {"$lt": checked_before}}
        found: list[Document] = self._connection.run(
            lambda database: list(database[COLLECTION].find(query).sort("checkedAt", ASCENDING).limit(limit))
        )
        return [_to_share(document) for document in found]

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Remove it, if it has been empty for a while and still is; else set `checkedAt`."""
        identity = {"_id": _key(slots.user_id, slots.priority)}
        if not slots.active and slots.waiting_at is None and slots.changed_at < now - GRACE:
            idle = {"changedAt": slots.changed_at, "active": [], "waitingAt": None}
            self._connection.run(lambda database: database[COLLECTION].delete_one(identity | idle))
        self._update(identity, {"$set": {"checkedAt": now}})

    def _put(self, guard: Document, job_ids: Sequence[JobId], now: datetime) -> bool:
        change = {"$addToSet": {"active": {"$each": list(job_ids)}}, "$set": {"changedAt": now}}
        change["$setOnInsert"] = {"checkedAt": now}
        return self._update(guard | self._room_for(len(job_ids)), change, upsert=True)

    def _room_for(self, slots: int) -> Document:
        return {f"active.{self.cap - slots}": {"$exists": False}}

    def _find(self, identity: Document) -> Document | None:
        return self._connection.run(lambda database: database[COLLECTION].find_one(identity))

    def _update(self, guard: Document, change: Document, *, upsert: bool = False) -> bool:
        """Whether it was done; an upsert whose guard failed meets the document that is there."""
        try:
            result = self._connection.run(
                lambda database: database[COLLECTION].update_one(guard, change, upsert=upsert)
            )
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None


def _key(user_id: UserId, priority: Priority) -> str:
    return f"{user_id}:{priority}"


def _new(now: datetime) -> Document:
    return {"$setOnInsert": {"active": [], "checkedAt": now}}


def _to_share(document: Document) -> UserSlots:
    user_id, _, priority = document["_id"].partition(":")
    return UserSlots(
        user_id=UserId(user_id),
        priority=Priority(priority),
        active=tuple(JobId(job_id) for job_id in document["active"]),
        changed_at=document["changedAt"],
        checked_at=document["checkedAt"],
        waiting_at=document.get("waitingAt"),
    )
