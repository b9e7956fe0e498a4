"""Guarded updates of jobs: the condition that a job has not changed, and the update from one state to another."""

from typing import Any

from bson import ObjectId

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.documents import to_document
from videojobs.domain.job import MAXIMUM_HISTORY, VideoJob


def guard(job: VideoJob) -> Document:
    """Return a query for the job with its status, attempt, next step and lease token unchanged."""
    return {
        "_id": ObjectId(job.id),
        "status": str(job.status),
        "attempt": job.attempt if job.attempt > 1 else {"$in": [1, None]},  # the Express server stored no attempt
        "next.id": job.next.id if job.next else None,
        "next.dueAt": job.next.due_at if job.next else None,
        "lease.token": job.lease.token if job.lease else None,
    }


def difference(before: VideoJob, after: VideoJob) -> Document:
    """Return the update that changes the document of `before` into that of `after`.

    New entries of history and outbox are pushed, so that concurrent removals from the outbox are kept.
    """
    old, new = to_document(before), to_document(after)
    old_history, new_history = old.pop("history"), new.pop("history")
    old_outbox, new_outbox = old.pop("outbox"), new.pop("outbox")
    changed = {name: value for name, value in new.items() if name not in old or old[name] != value}
    update: dict[str, Any] = {
        "$set": changed | {"version": new["version"]},  # never empty: MongoDB rejects updates without operators
        "$unset": dict.fromkeys(old.keys() - new.keys(), ""),
        "$push": {},
    }
    if added := new_history[len(old_history) :]:
        update["$push"]["history"] = {"$each": added, "$slice": -MAXIMUM_HISTORY}
    if added := new_outbox[len(old_outbox) :]:
        update["$push"]["outbox"] = {"$each": added}
    return {operator: value for operator, value in update.items() if value}
