"""Repository of the users' slots, with one document per user and priority in the collection `shares`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.reading import Fields, read_all, to_list, to_object_id, to_time
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, TooManyWaitingJobs, UserSlots

COLLECTION = "shares"


class MongoSlotRepository:
    """Users' slots in MongoDB. Implements `ports.SlotRepository`.

    `_id` is `userId:priority`; it serves all operations except `find_unchecked`.
    """

    def __init__(self, connection: MongoConnection, *, cap: int, maximum_waiting: int) -> None:
        """Set how many jobs of a user may be active (`cap`), and how many may wait, per priority."""
        self._connection, self.cap, self.maximum_waiting = connection, cap, maximum_waiting

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Acquire slots for new jobs, first jobs first, and return how many got a slot.

        No slot is acquired while other jobs of the user wait. The remaining jobs are added to `waiting`, and
        `waitingAt` is set to `now`. The first write assumes that there are enough free slots; the second, if needed,
        counts them.

        Raises:
            TooManyWaitingJobs: If more than `maximum_waiting` jobs would wait. Nothing is stored.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        if len(job_ids) > self.cap:
            new = {"active": [], "changedAt": now, "checkedAt": now}
            self._update(identity, {"$setOnInsert": new}, upsert=True)
        elif self._put(identity | {"waitingAt": None}, job_ids, now):
            return len(job_ids)
        document = self._put_or_wait(identity, list(job_ids), now)
        if document is None:  # the reconciler has just deleted the document, because no job was active
            return self.acquire(user_id, priority, job_ids, now)
        if not set(job_ids) <= {*document["active"], *document["waiting"]}:
            raise TooManyWaitingJobs(self.maximum_waiting, priority)
        return len(job_ids) - len(document["waiting"])

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Acquire a slot for a job that waits. Return whether the job has a slot now, including if it had one before.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        if self._put(identity, [job_id], now):
            return True
        document = self._find(identity, "active")
        return document is not None and job_id in document["active"]

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Remove jobs from `active` and `waiting`, idempotent; return whether jobs of the user may wait for a slot.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        identity = {"_id": _key(user_id, priority)}
        change = {"$pullAll": {"active": list(job_ids), "waiting": list(job_ids)}}
        document: Document | None = self._connection.run(
            lambda database: database[COLLECTION].find_one_and_update(identity, change, ["waitingAt"])
        )
        return document is not None and document.get("waitingAt") is not None

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Clear `waitingAt`, unless a job started to wait after `seen_at`; idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        self._update({"_id": _key(user_id, priority), "waitingAt": {"$lte": seen_at}}, {"$unset": {"waitingAt": ""}})

    def correct(self, held: UserSlots, actual: UserSlots) -> None:
        """Remove the IDs that only `held` contains, and add the waiting IDs that only `actual` contains; idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the writes may have been applied.
        """
        identity = {"_id": _key(held.user_id, held.priority)}
        gone = {"active": _without(held.active, actual.active), "waiting": _without(held.waiting, actual.waiting)}
        missing = _without(actual.waiting, held.waiting)
        if any(gone.values()):
            self._update(identity, {"$pullAll": gone})
        if missing:
            self._update(identity, {"$addToSet": {"waiting": {"$each": missing}}})

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
        is_empty = not slots.active and not slots.waiting and slots.waiting_at is None
        if is_empty and slots.changed_at < now - GRACE:
            idle = {"changedAt": slots.changed_at, "active": [], "waiting.0": {"$exists": False}, "waitingAt": None}
            self._connection.run(lambda database: database[COLLECTION].delete_one(identity | idle))
        self._update(identity, {"$set": {"checkedAt": now}})

    def _put(self, guard: Document, job_ids: Sequence[JobId], now: datetime) -> bool:
        """Make jobs active if the guard matches and there are enough free slots; return whether it did."""
        change = {
            "$addToSet": {"active": {"$each": list(job_ids)}},
            "$pullAll": {"waiting": list(job_ids)},
            "$set": {"changedAt": now},
            "$setOnInsert": {"checkedAt": now},
        }
        return self._update(guard | self._free_slots_guard(len(job_ids)), change, upsert=True)

    def _put_or_wait(self, identity: Document, job_ids: list[JobId], now: datetime) -> Document | None:
        """Make the first jobs active and let the others wait, in one update. Return those that are `active`, `waiting`.

        Refused jobs are neither active nor waiting. Return None if there is no document.
        """
        pipeline = _put_or_wait(job_ids, now, cap=self.cap, maximum_waiting=self.maximum_waiting)
        kept = {name: {"$setIntersection": [f"${name}", job_ids]} for name in ("active", "waiting")}
        return self._connection.run(
            lambda database: database[COLLECTION].find_one_and_update(
                identity, pipeline, kept, return_document=ReturnDocument.AFTER
            )
        )

    def _free_slots_guard(self, slots: int) -> Document:
        """Return a condition that matches a document with at least `slots` free slots."""
        return {f"active.{self.cap - slots}": {"$exists": False}}

    def _find(self, identity: Document, field: str) -> Document | None:
        return self._connection.run(lambda database: database[COLLECTION].find_one(identity, [field]))

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


def _put_or_wait(job_ids: list[JobId], now: datetime, *, cap: int, maximum_waiting: int) -> list[Document]:
    """Return the stages of an update that makes jobs active while slots are free and no job waits; the others wait.

    If more than `maximum_waiting` jobs would wait, the update changes nothing.
    """
    free = {"$cond": [{"$gt": ["$waitingAt", None]}, 0, {"$max": [0, {"$subtract": [cap, {"$size": "$active"}]}]}]}
    first, rest = {"$slice": [job_ids, free]}, {"$slice": [job_ids, free, len(job_ids)]}
    waiting = {"$setUnion": [{"$setDifference": ["$waiting", first]}, rest]}
    none_waits = {"$eq": [rest, []]}
    after = {
        "active": {"$setUnion": ["$active", first]},
        "waiting": waiting,
        "waitingAt": {"$cond": [none_waits, "$waitingAt", now]},
        "changedAt": now,
    }
    is_allowed = {"$or": [none_waits, {"$lte": [{"$size": waiting}, maximum_waiting]}]}
    return [
        {"$set": {name: {"$ifNull": [f"${name}", []]} for name in ("active", "waiting")}},
        {"$replaceWith": {"$cond": [is_allowed, {"$mergeObjects": ["$$ROOT", after]}, "$$ROOT"]}},
    ]


def _without(job_ids: Iterable[JobId], others: Iterable[JobId]) -> list[JobId]:
    return sorted(set(job_ids) - set(others))


def _to_slots(document: Document) -> UserSlots:
    fields = Fields(document)
    user_id, priority = fields.require("_id", _to_owner)
    return UserSlots(
        user_id=user_id,
        priority=priority,
        active=fields.require("active", _to_job_ids),
        changed_at=fields.require("changedAt", to_time),
        checked_at=fields.require("checkedAt", to_time),
        waiting_at=fields.read("waitingAt", to_time, None),
        waiting=fields.read("waiting", _to_job_ids, ()),
    )


def _to_job_ids(job_ids: object) -> tuple[JobId, ...]:
    return tuple(JobId(to_object_id(job_id)) for job_id in to_list(job_ids))


def _to_owner(key: str) -> tuple[UserId, Priority]:
    user_id, _, priority = key.partition(":")
    return UserId(to_object_id(user_id)), Priority(priority)
