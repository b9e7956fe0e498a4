"""Queries for jobs in MongoDB, each in the order of the index that serves it."""

from datetime import UTC, datetime, timedelta

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from videojobs.adapters.mongo.connection import Document
from videojobs.domain.job import UserId, VideoJob
from videojobs.domain.request import Priority

NEWEST_FIRST = [("createdAt", DESCENDING), ("_id", DESCENDING)]
LONGEST_WAITING_FIRST = [("waitingSince", ASCENDING), ("_id", ASCENDING)]
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""Lower bound of date ranges; it excludes documents without the date from the index scan."""
_PRECISION = timedelta(milliseconds=1)  # of dates in BSON


def waiting_jobs(user_id: UserId, priority: Priority) -> Document:
    """Return the query for the user's jobs that wait for a slot. Served by the index `waiting`."""
    return {"userId": ObjectId(user_id), "priority": str(priority), "waitingSince": {"$gt": BEFORE_ALL}}


def jobs_ahead(job: VideoJob) -> list[Document]:
    """Return the `$match` stages for the jobs that come before this queued job: none if it has no next step.

    Before a job that waits for a slot come the user's jobs of its priority that have waited longer (index `waiting`).
    Before other jobs come the queued jobs of all users that are due earlier (index `sweep`).
    """
    if job.waiting_since is not None:
        waiting, since = waiting_jobs(job.user_id, job.priority), job.waiting_since
        not_shorter = {"waitingSince": {"$gt": BEFORE_ALL, "$lt": since + _PRECISION}}
        longer = {"$or": [{"waitingSince": {"$lt": since}}, {"_id": {"$lt": ObjectId(job.id)}}]}
        return [{"$match": waiting | not_shorter}, {"$match": longer}]
    if job.next is not None:
        return [{"$match": {"status": str(job.status), "next.dueAt": {"$gt": BEFORE_ALL, "$lt": job.next.due_at}}}]
    return []
