"""Repository of jobs in MongoDB. Changes are guarded updates: of concurrent writers exactly one succeeds."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import describe_malformed, from_document, to_document
from videojobs.adapters.mongo.job_pages import behind, read_page
from videojobs.adapters.mongo.job_queries import BEFORE_ALL, LONGEST_WAITING_FIRST, jobs_ahead, waiting_jobs
from videojobs.adapters.mongo.job_updates import difference, guard
from videojobs.adapters.mongo.reading import created_up_to, read_all, read_first, read_one
from videojobs.domain.errors import IdempotencyKeyTaken
from videojobs.domain.job import (
    LIVE_STATUSES,
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
from videojobs.ports.erasures import JobsLeft, MalformedJob
from videojobs.ports.jobs import Position

COLLECTION = "videojobs"

_LIVE = sorted(LIVE_STATUSES)
_ALL = [*_LIVE, *sorted(set(JobStatus) - LIVE_STATUSES)]


class MongoJobRepository:
    """Jobs in MongoDB. Implements `ports.JobRepository`. A malformed document is skipped in lists, else it raises."""

    def __init__(self, connection: MongoConnection) -> None:
        """Keep the connection; it connects at the first operation."""
        self._connection = connection

    def new_id(self) -> JobId:
        """Return a new ObjectId as text; nothing is written."""
        return JobId(str(ObjectId()))

    def created_at(self, job_id: JobId) -> datetime:
        """Return the time in the first four bytes of an ObjectId, in whole seconds.

        https://www.mongodb.com/docs/manual/reference/bson-types/#objectid
        """
        return ObjectId(job_id).generation_time

    def add(self, job: VideoJob) -> None:
        """Insert the job; idempotent, because a duplicate `_id` can only come from an earlier try of this insert.

        Raises:
            IdempotencyKeyTaken: If the user already has a job with this idempotency key.
            Unavailable: If MongoDB does not respond in time; the job may have been inserted.
        """

        def insert(database: Database[Document]) -> None:
            try:
                database[COLLECTION].insert_one(to_document(job))
            except DuplicateKeyError as error:
                if "idempotency" in str(error.details):
                    raise IdempotencyKeyTaken from None  # the driver's error contains the key

        self._connection.run(insert)

    def find(self, job_id: JobId) -> VideoJob | None:
        """Return the job; None if none is readable. Raise `Unavailable` if MongoDB does not respond in time."""
        return _read(self._run(lambda jobs: jobs.find_one({"_id": ObjectId(job_id)})))

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Lease the next step if it is `step_id` and has no live lease; return the job, or None if it was not leased.

        The guarded update also sets the step due `now` and counts the run. The job is then read; it is None if the
        lease was replaced.
        Raise `Unavailable` if MongoDB does not respond in time; the step may have been leased.
        """
        identity = {"_id": ObjectId(job_id)}
        # Matches an expired lease and a missing one: $not also matches documents without the field.
        unleased = {"lease.until": {"$not": {"$gt": now}}}
        leased = {"lease": {"token": lease.token, "until": lease.until}, "next.dueAt": now}
        change = {"$set": leased, "$inc": {"next.runs": 1}}
        result = self._run(lambda jobs: jobs.update_one(identity | {"next.id": step_id} | unleased, change))
        if result.matched_count == 0:
            return None
        return _read(self._run(lambda jobs: jobs.find_one(identity | {"lease.token": lease.token})))

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Update the fields that differ if the stored job still matches `before`; return whether it did.

        The update is guarded by status, attempt, next step and lease token. Raise `Unavailable` if MongoDB does not
        respond in time; the write may have been applied.
        """
        return self._run(lambda jobs: jobs.update_one(guard(before), difference(before, after))).matched_count == 1

    def remove(self, job: VideoJob) -> bool:
        """Delete the document if it still matches `job`, by the guard of `save`; return whether it was deleted.

        Raise `Unavailable` if MongoDB does not respond in time; the job may have been deleted.
        """
        return self._run(lambda jobs: jobs.delete_one(guard(job))).deleted_count == 1

    def find_left(self, user_id: UserId, created_before: datetime, limit: int) -> JobsLeft:
        """Return up to `limit` jobs that `created_up_to` matches, without those that wait for their clean-up."""

        def find(jobs: Collection[Document]) -> JobsLeft:
            left = JobsLeft([], [], is_waiting=False)
            for document in jobs.find(created_up_to(user_id, created_before), batch_size=limit):
                job = _read(document)
                if job is None:
                    left.malformed.append(describe_malformed(document))
                elif job.is_waiting_for_clean_up:
                    left = left._replace(is_waiting=True)
                else:
                    left.jobs.append(job)
                if len(left.jobs) + len(left.malformed) == limit:
                    break
            return left

        return self._run(find)

    def remove_malformed(self, malformed: MalformedJob) -> None:
        """Delete the document; idempotent. Served by `_id`."""
        self._run(lambda jobs: jobs.delete_one({"_id": malformed.key}))

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """Return the user's job with this key, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        query = {"userId": ObjectId(user_id), "idempotency.key": key}
        return _read(self._run(lambda jobs: jobs.find_one(query)))

    def release_key(self, job: VideoJob) -> None:
        """Remove the job's key; idempotent. Raise `Unavailable` if MongoDB does not confirm; it may be removed."""
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
        """Return up to `limit` of the user's visible jobs, newest first, starting behind `after`; see `read_page`.

        Visibility, and the status in a batch, are checked after reading. Raise `Unavailable` if MongoDB does not
        respond in time.
        """
        filters: Document = {"userId": ObjectId(user_id)}
        if batch_id is not None:
            filters["batchId"] = ObjectId(batch_id)
        elif status is not None:
            filters["status"] = str(status)

        def is_shown(job: VideoJob) -> bool:
            return job.is_shown(now) and status in {None, job.status}

        return self._run(lambda jobs: read_page(jobs, behind(filters, after), limit, is_shown))

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """Return the user's longest waiting job, or None. Raise `Unavailable` if MongoDB does not respond in time."""
        query = waiting_jobs(user_id, priority)
        return self._run(lambda jobs: _first(lambda: jobs.find(query).sort(LONGEST_WAITING_FIRST)))

    def list_waiting(self, user_id: UserId, priority: Priority, limit: int) -> list[JobId]:
        """Return up to `limit` IDs of the user's waiting jobs, longest waiting first. Read from the index `waiting`.

        Raise `Unavailable` if MongoDB does not respond in time.
        """
        query, fields = waiting_jobs(user_id, priority), {"_id": 1}

        def find(jobs: Collection[Document]) -> list[JobId]:
            documents = jobs.find(query, fields).sort(LONGEST_WAITING_FIRST).limit(limit)
            return [JobId(str(document["_id"])) for document in documents]

        return self._run(find)

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Return about how many jobs come before this queued job, at most `limit`; 0 if it has no next step.

        For a job that waits for a slot, count the user's jobs that have waited longer. For other jobs, count the jobs
        due earlier (index `sweep`). Raise `Unavailable` if MongoDB does not respond in time.
        """
        stages = jobs_ahead(job)
        if not stages:
            return 0
        count = [*stages, {"$limit": limit}, {"$count": "jobs"}]
        return next((int(counted["jobs"]) for counted in self._run(lambda jobs: list(jobs.aggregate(count)))), 0)

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` live jobs without a next step, which the Express server created before `created_before`.

        Served by the index `sweep`. Raise `Unavailable` if MongoDB does not respond in time.
        """
        return self._find_due(_LIVE, {"next.dueAt": None}, lambda job: job.created_at < created_before, limit)

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` jobs with an announcement older than `announced_before`.

        Served by the index `outbox`. Raise `Unavailable` if MongoDB does not respond in time.
        """
        query = {"outbox.at": {"$lt": announced_before}}
        return self._run(lambda jobs: list(islice(_readable(jobs.find(query)), limit)))

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Remove outbox entries; idempotent. Raise `Unavailable` if MongoDB does not confirm; they may be removed."""
        change = {"$pull": {"outbox": {"id": {"$in": [announcement.id for announcement in announcements]}}}}
        self._run(lambda jobs: jobs.update_one({"_id": ObjectId(job_id)}, change))

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` failed jobs with this error code created at or after `created_since`, oldest first.

        Served by the index `status_age`. Raise `Unavailable` if MongoDB does not respond in time.
        """
        query = {"status": str(JobStatus.FAILED), "createdAt": {"$gte": created_since}}

        def find(jobs: Collection[Document]) -> list[VideoJob]:
            failed = _readable(jobs.find(query).sort("createdAt", ASCENDING))
            return list(islice((job for job in failed if job.error is not None and job.error.code == code), limit))

        return self._run(find)

    def find_startable(self) -> list[VideoJob]:
        """Return the queued jobs with a scheduled next step that are due first and due last, or an empty list.

        A single job is returned twice. Raise `Unavailable` if MongoDB does not respond in time.
        """
        query = {"status": str(JobStatus.QUEUED), "next.dueAt": {"$gt": BEFORE_ALL, "$lt": NOT_SCHEDULED}}

        def find(jobs: Collection[Document]) -> list[VideoJob]:
            def end(order: int) -> VideoJob | None:
                return _first(lambda: jobs.find(query).sort("next.dueAt", order))

            return [job for job in (end(ASCENDING), end(DESCENDING)) if job is not None]

        return self._run(find)

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Return up to `limit` jobs, finished or not, with a next step due before `due_before` and no live lease.

        Served by the index `sweep`. Raise `Unavailable` if MongoDB does not respond in time.
        """
        overdue = {"next.dueAt": {"$gt": BEFORE_ALL, "$lt": due_before}}
        return self._find_due(_ALL, overdue, lambda job: job.lease is None or job.lease.until <= now, limit)

    def _find_due(
        self, statuses: Iterable[JobStatus], query: Document, wanted: Callable[[VideoJob], bool], limit: int
    ) -> list[VideoJob]:
        """Return up to `limit` jobs that match the query and `wanted`, by status and then by due time."""

        # One query per status follows the order of the index; fields outside it are compared after reading:
        # https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/
        def find(jobs: Collection[Document]) -> list[VideoJob]:
            cursors = (jobs.find({"status": status} | query).sort("next.dueAt", ASCENDING) for status in statuses)
            due = _readable(document for cursor in cursors for document in cursor)
            return list(islice(filter(wanted, due), limit))

        return self._run(find)

    def _run[T](self, operation: Callable[[Collection[Document]], T]) -> T:
        return self._connection.run(lambda database: operation(database[COLLECTION]))


def _read(document: Document | None) -> VideoJob | None:
    return read_one(document, from_document, "job")


def _readable(documents: Iterable[Document]) -> Iterator[VideoJob]:
    return read_all(documents, from_document, "job")


def _first(find: Callable[[], Cursor[Document]]) -> VideoJob | None:
    return read_first(find, from_document, "job")
