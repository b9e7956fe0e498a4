"""The jobs in MongoDB: every change is one guarded `update_one`, so that of any number of racing writers one wins."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import from_document, to_document
from videojobs.domain.errors import IdempotencyKeyTaken
from videojobs.domain.job import (
    LIVE_STATUSES,
    MAXIMUM_HISTORY,
    NOT_SCHEDULED,
    Announcement,
    BatchId,
    JobId,
    JobStatus,
    Lease,
    UserId,
    VideoJob,
)
from videojobs.domain.request import Priority
from videojobs.ports.jobs import Position

COLLECTION = "videojobs"
logger = logging.getLogger(__name__)

_LIVE = sorted(LIVE_STATUSES)
_ALL = [*_LIVE, *sorted(set(JobStatus) - LIVE_STATUSES)]
_NEWEST_FIRST = [("createdAt", DESCENDING), ("_id", DESCENDING)]
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""A lower bound, so that what has no such date at all is not even looked at."""


class MongoJobRepository:
    """See `ports.JobRepository`."""

    def __init__(self, connection: MongoConnection) -> None:
        """Nothing is connected until the first call."""
        self._connection = connection

    def new_id(self) -> JobId:
        """A fresh ObjectId."""
        return JobId(str(ObjectId()))

    def created_at(self, job_id: JobId) -> datetime:
        """Return the timestamp in the first four bytes of an ObjectId.

        https://www.mongodb.com/docs/manual/reference/bson-types/#objectid
        """
        return ObjectId(job_id).generation_time

    def add(self, job: VideoJob) -> None:
        """Insert; a duplicate `_id` can only be this insert's own first try."""

        def insert(database: Database[Document]) -> None:
            try:
                database[COLLECTION].insert_one(to_document(job))
            except DuplicateKeyError as error:
                if "idempotency" in str(error.details):
                    raise IdempotencyKeyTaken from None  # the error quotes the key

        self._connection.run(insert)

    def find(self, job_id: JobId) -> VideoJob | None:
        """By `_id`."""
        document = self._run(lambda jobs: jobs.find_one({"_id": ObjectId(job_id)}))
        return None if document is None else from_document(document)

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Two operations by `_id`: the guarded update that decides, then the read of what was won."""
        identity = {"_id": ObjectId(job_id)}
        # Matches an expired lease and a missing one: $not also matches documents without the field.
        unleased = {"lease.until": {"$not": {"$gt": now}}}
        taken = {"$set": {"lease": {"token": lease.token, "until": lease.until}, "next.dueAt": now}}
        result = self._run(lambda jobs: jobs.update_one(identity | {"next.id": step_id} | unleased, taken))
        if result.matched_count == 0:
            return None
        document = self._run(lambda jobs: jobs.find_one(identity | {"lease.token": lease.token}))
        return None if document is None else from_document(document)

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """One update of the fields that differ, by `_id` and guarded; fields that we don't know stay as they are."""
        return self._run(lambda jobs: jobs.update_one(_guard(before), _difference(before, after))).matched_count == 1

    def remove(self, job: VideoJob) -> bool:
        """By `_id`, under the guard of `save`."""
        return self._run(lambda jobs: jobs.delete_one(_guard(job))).deleted_count == 1

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """By the unique index `idempotency`."""
        query = {"userId": ObjectId(user_id), "idempotency.key": key}
        document = self._run(lambda jobs: jobs.find_one(query))
        return None if document is None else from_document(document)

    def release_key(self, job: VideoJob) -> None:
        """By `_id`."""
        self._run(lambda jobs: jobs.update_one({"_id": ObjectId(job.id)}, {"$unset": {"idempotency": ""}}))

    def list_newest(
        self,
        user_id: UserId,
        now: datetime,
        *,
        limit: int,
        after: Position | None = None,
        status: JobStatus | None = None,
        batch_id: BatchId | None = None,
    ) -> list[VideoJob]:
        """Equality on the index's first keys, then a bound on `createdAt`; jobs of one moment are a find of their own.

        Both are in the order of the index, so that no `$or` is needed. What is no key is looked at as the cursor moves.
        """
        wanted: Document = {"userId": ObjectId(user_id)}
        if batch_id is not None:
            wanted["batchId"] = ObjectId(batch_id)
        elif status is not None:
            wanted["status"] = str(status)
        queries = [wanted]
        if after is not None:
            same_moment = {"createdAt": after.created_at, "_id": {"$lt": ObjectId(after.job_id)}}
            queries = [wanted | same_moment, wanted | {"createdAt": {"$lt": after.created_at}}]

        def find(jobs: Collection[Document]) -> list[VideoJob]:
            cursors = (jobs.find(query, batch_size=limit).sort(_NEWEST_FIRST) for query in queries)
            found = _readable(document for cursor in cursors for document in cursor)
            shown = (job for job in found if job.is_shown(now) and status in {None, job.status})
            return list(islice(shown, limit))

        return self._run(find)

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """By the index `waiting`."""
        query = _waiting(user_id, priority) | {"waitingSince": {"$gt": _BEFORE_ALL}}
        oldest_first = [("waitingSince", ASCENDING), ("_id", ASCENDING)]
        document = self._run(lambda jobs: next(iter(jobs.find(query).sort(oldest_first).limit(1)), None))
        return None if document is None else from_document(document)

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Counts of keys, of the index `waiting` (those of one moment are a count of their own) or `sweep`."""
        if job.waiting_since is not None:
            waiting, since = _waiting(job.user_id, job.priority), job.waiting_since
            queries = [
                waiting | {"waitingSince": {"$gt": _BEFORE_ALL, "$lt": since}},
                waiting | {"waitingSince": since, "_id": {"$lt": ObjectId(job.id)}},
            ]
        elif job.next is not None:
            queries = [{"status": str(job.status), "next.dueAt": {"$gt": _BEFORE_ALL, "$lt": job.next.due_at}}]
        else:
            return 0
        return min(sum(self._run(lambda jobs: [jobs.count_documents(each, limit=limit) for each in queries])), limit)

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Served by the index `sweep`, which knows a missing `next.dueAt` as null."""
        return self._find_due(_LIVE, {"next.dueAt": None}, lambda job: job.created_at < created_before, limit)

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Served by the index `outbox`, in which a job without announcements does not stand."""
        query = {"outbox.at": {"$lt": announced_before}}
        return self._run(lambda jobs: list(islice(_readable(jobs.find(query)), limit)))

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """By `_id`; unguarded, as an outbox entry is nobody's but the announcer's."""
        sent = {"$pull": {"outbox": {"id": {"$in": [announcement.id for announcement in announcements]}}}}
        self._run(lambda jobs: jobs.update_one({"_id": ObjectId(job_id)}, sent))

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Served by the index `status_age`; the code is looked at as the cursor goes on."""
        query = {"status": str(JobStatus.FAILED), "createdAt": {"$gte": created_since}}

        def find(jobs: Collection[Document]) -> list[VideoJob]:
            found = _readable(jobs.find(query).sort("createdAt", ASCENDING))
            return list(islice((job for job in found if job.error is not None and job.error.code == code), limit))

        return self._run(find)

    def find_startable(self) -> list[VideoJob]:
        """Served by the index `sweep`, from both of its ends."""
        query = {"status": str(JobStatus.QUEUED), "next.dueAt": {"$gt": _BEFORE_ALL, "$lt": NOT_SCHEDULED}}

        def find(jobs: Collection[Document]) -> list[VideoJob]:
            ends = (jobs.find(query).sort("next.dueAt", order).limit(1) for order in (ASCENDING, DESCENDING))
            return list(_readable(document for end in ends for document in end))

        return self._run(find)

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Served by the index `sweep`; the few jobs that somebody works on right now are passed over here."""
        overdue = {"next.dueAt": {"$gt": _BEFORE_ALL, "$lt": due_before}}
        return self._find_due(_ALL, overdue, lambda job: job.lease is None or job.lease.until <= now, limit)

    def _find_due(
        self, statuses: Iterable[JobStatus], query: Document, wanted: Callable[[VideoJob], bool], limit: int
    ) -> list[VideoJob]:
        # One query for each status: equality, then the sort and range on one key, are served by the index in its own
        # order (https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/). Fields that are not in
        # the index are compared here.
        def find(jobs: Collection[Document]) -> list[VideoJob]:
            cursors = (jobs.find({"status": status} | query).sort("next.dueAt", ASCENDING) for status in statuses)
            found = _readable(document for cursor in cursors for document in cursor)
            return list(islice(filter(wanted, found), limit))

        return self._run(find)

    def _run[T](self, operation: Callable[[Collection[Document]], T]) -> T:
        return self._connection.run(lambda database: operation(database[COLLECTION]))


def _guard(job: VideoJob) -> Document:
    return {
        "_id": ObjectId(job.id),
        "status": str(job.status),
        "attempt": job.attempt if job.attempt > 1 else {"$in": [1, None]},  # the Express server counted none
        "next.id": job.next.id if job.next else None,
        "next.dueAt": job.next.due_at if job.next else None,
        "lease.token": job.lease.token if job.lease else None,
    }


def _waiting(user_id: UserId, priority: Priority) -> Document:
    return {"userId": ObjectId(user_id), "priority": str(priority)}


def _readable(documents: Iterable[Document]) -> Iterator[VideoJob]:
    """The jobs of those documents that make sense: one that somebody has damaged must not hold up a sweep."""
    for document in documents:
        try:
            yield from_document(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            extra = {"action": "document_unreadable", "job_id": str(document["_id"])}
            logger.exception("A job's document is damaged", extra=extra)


def _difference(before: VideoJob, after: VideoJob) -> Document:
    """The update that turns one document into the other; to history and outbox, what is new is pushed."""
    old, new = to_document(before), to_document(after)
    old_history, new_history = old.pop("history"), new.pop("history")
    old_outbox, new_outbox = old.pop("outbox"), new.pop("outbox")
    changed = {name: value for name, value in new.items() if name not in old or old[name] != value}
    update: dict[str, Any] = {
        "$set": changed | {"version": new["version"]},  # never empty: an update without operators is refused
        "$unset": dict.fromkeys(old.keys() - new.keys(), ""),
        "$push": {},
    }
    if added := new_history[len(old_history) :]:
        update["$push"]["history"] = {"$each": added, "$slice": -MAXIMUM_HISTORY}
    if added := new_outbox[len(old_outbox) :]:
        update["$push"]["outbox"] = {"$each": added}
    return {operator: value for operator, value in update.items() if value}
