"""Repository of the users' slots, with one document per user and priority in the collection `shares`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_all, to_list, to_object_id, to_time
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, UserSlots

COLLECTION = "shares"

_TRIES = 5
"""How often an acquisition is tried. Of concurrent writers one succeeds per round; after the last, jobs wait."""


class MongoSlotRepository:
    """Users' slots in MongoDB. Implements `ports.SlotRepository`.

    `_id` is `userId:priority`; it serves all operations except `find_unchecked`.
    """

    def __init__(self, connection: MongoConnection, *, cap: int) -> None:
        """Set `cap`, the number of jobs of a user that may be active per priority."""
        self._connection, self.cap = connection, cap

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Acquire slots for new jobs, first jobs first, and return how many got a slot.

        No slot is acquired while other jobs of the user wait. If not all jobs get a slot, `waitingAt` is set to `now`.
        The first try assumes that there are enough free slots and needs one write; later tries count them first.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        slots = min(len(job_ids), self.cap)
        for _ in range(_TRIES):
            if slots == 0 or self._put(identity | {"waitingAt": None}, job_ids[:slots], now):
                break
            document = self._find(identity)
            waiting = document is not None and document.get("waitingAt") is not None
            slots = 0 if waiting else min(len(job_ids), self.cap - len(document["active"] if document else ()))
        else:
            slots = 0
        if slots < len(job_ids):
            self._update(identity, {"$set": {"waitingAt": now, "changedAt": now}, **_set_on_insert(now)}, upsert=True)
        return slots

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Acquire a slot for a job that waits. Return whether the job has a slot now, including if it had one before.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        if self._put(identity, [job_id], now):
            return True
        document = self._find(identity)
        return document is not None and job_id in document["active"]

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Release the slots of jobs, idempotent; return whether jobs of the user may wait for a slot.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        self._update(identity, {"$pull": {"active": {"$in": list(job_ids)}}})
        document = self._find(identity)
        return document is not None and document.get("waitingAt") is not None

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Clear `waitingAt`, unless a job started to wait after `seen_at`; idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        self._update({"_id": _key(user_id, priority), "waitingAt": {"$lte": seen_at}}, {"$unset": {"waitingAt": ""}})

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Return up to `limit` slots last checked before `checked_before`, oldest check first. Served by `checked`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        query = {"checkedAt": {"$lt": checked_before}}

        def find(database: Database[Document]) -> list[UserSlots]:
            documents = database[COLLECTION].find(query, batch_size=limit).sort("checkedAt", ASCENDING)
            return list(islice(read_all(documents, _to_slots, "slots"), limit))

        return self._connection.run(find)

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Set `checkedAt`; delete the document instead if it has been empty and unchanged for `GRACE`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(slots.user_id, slots.priority)}
        if not slots.active and slots.waiting_at is None and slots.changed_at < now - GRACE:
            idle = {"changedAt": slots.changed_at, "active": [], "waitingAt": None}
            self._connection.run(lambda database: database[COLLECTION].delete_one(identity | idle))
        self._update(identity, {"$set": {"checkedAt": now}})

    def _put(self, guard: Document, job_ids: Sequence[JobId], now: datetime) -> bool:
        """Add jobs to the active jobs if the guard matches and there are enough free slots; return whether it did."""
        change = {"$addToSet": {"active": {"$each": list(job_ids)}}, "$set": {"changedAt": now}}
        change["$setOnInsert"] = {"checkedAt": now}
        return self._update(guard | self._free_slots_guard(len(job_ids)), change, upsert=True)

    def _free_slots_guard(self, slots: int) -> Document:
        """Return a condition that matches a document with at least `slots` free slots."""
        return {f"active.{self.cap - slots}": {"$exists": False}}

    def _find(self, identity: Document) -> Document | None:
        return self._connection.run(lambda database: database[COLLECTION].find_one(identity))

    def _update(self, guard: Document, change: Document, *, upsert: bool = False) -> bool:
        """Update the document if the guard matches and return whether it did.

        An upsert whose guard does not match fails with a duplicate key, because the document already exists.
        """
        try:
            result = self._connection.run(
                lambda database: database[COLLECTION].update_one(guard, change, upsert=upsert)
            )
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None


def _key(user_id: UserId, priority: Priority) -> str:
    return f"{user_id}:{priority}"


def _set_on_insert(now: datetime) -> Document:
    return {"$setOnInsert": {"active": [], "checkedAt": now}}


def _to_slots(document: Document) -> UserSlots:
    fields = Fields(document)
    user_id, priority = fields.require("_id", _to_owner)
    return UserSlots(
        user_id=user_id,
        priority=priority,
        active=fields.require("active", lambda ids: tuple(JobId(to_object_id(job_id)) for job_id in to_list(ids))),
        changed_at=fields.require("changedAt", to_time),
        checked_at=fields.require("checkedAt", to_time),
        waiting_at=fields.read("waitingAt", to_time, None),
    )


def _to_owner(key: str) -> tuple[UserId, Priority]:
    user_id, _, priority = key.partition(":")
    return UserId(to_object_id(user_id)), Priority(priority)
