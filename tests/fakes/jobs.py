"""An in-memory repository of jobs, with the guards that `MongoJobRepository` has in its filters."""

from collections.abc import Callable, Iterable
from copy import replace
from dataclasses import fields
from datetime import UTC, datetime
from threading import RLock

from tests.fakes.clock import VirtualClock
from tests.fakes.ids import ObjectIds
from videojobs.domain.errors import IdempotencyKeyTaken, Unavailable
from videojobs.domain.job import (
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
from videojobs.ports.erasures import JobsLeft, MalformedJob
from videojobs.ports.jobs import Clock, Position


class InMemoryJobRepository:
    """See `ports.JobRepository`. Safe for threads: each method is atomic.

    With `available = False` every call raises `Unavailable`. `before_save` runs before each save with its arguments: it
    can make another change first (`put`), or raise an error as a broken connection does. New IDs contain the time of
    `clock`.
    """

    def __init__(self, *jobs: VideoJob, clock: Clock | None = None) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._ids = ObjectIds(clock or VirtualClock())
        self._lock = RLock()
        self.malformed: dict[object, MalformedJob] = {}
        self.available = True
        self.before_save: Callable[[VideoJob, VideoJob], None] | None = None

    def put(self, job: VideoJob) -> VideoJob:
        """Store the job unconditionally, as a direct write to the database does, and return it."""
        with self._lock:
            self._jobs[job.id] = job
            return job

    def get(self, job_id: JobId) -> VideoJob:
        """Return the stored job, even while the repository is unavailable."""
        with self._lock:
            return self._jobs[job_id]

    def all(self) -> list[VideoJob]:
        """Return every job, in the order of insertion."""
        with self._lock:
            return list(self._jobs.values())

    def new_id(self) -> JobId:
        """Return a new ID of 24 hexadecimal digits; IDs are in ascending order."""
        return JobId(self._ids.make())

    def created_at(self, job_id: JobId) -> datetime:
        """Return the time in the ID's first eight digits."""
        return datetime.fromtimestamp(int(job_id[:8], 16), UTC)

    def add(self, job: VideoJob) -> None:
        """Insert the job; an existing ID is ignored, and a taken key raises `IdempotencyKeyTaken`."""
        with self._available_lock():
            if job.id in self._jobs:
                return
            if job.idempotency is not None and self._with_key(job.user_id, job.idempotency.key) is not None:
                raise IdempotencyKeyTaken
            self._jobs[job.id] = job

    def find(self, job_id: JobId) -> VideoJob | None:
        """Return the stored job, or None."""
        with self._available_lock():
            return self._jobs.get(job_id)

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Compare step and lease, set the lease and count the run, atomically."""
        with self._available_lock():
            job = self._jobs.get(job_id)
            if job is None or job.next is None or job.next.id != step_id:
                return None
            if not _is_free(job, now):
                return None
            step = replace(job.next, due_at=now, runs=job.next.runs + 1)
            return self.put(replace(job, lease=lease, next=step))

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Compare the guard and set the fields that differ, atomically; append new entries of history and outbox."""
        if self.before_save is not None:
            self.before_save(before, after)
        with self._available_lock():
            stored = self._jobs.get(before.id)
            if stored is None or _guard(stored) != _guard(before):
                return False
            names = [field.name for field in fields(VideoJob) if field.name not in {"history", "outbox"}]
            changes = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
            history = (*stored.history, *after.history[len(before.history) :])[-MAXIMUM_HISTORY:]
            outbox = (*stored.outbox, *after.outbox[len(before.outbox) :])
            self.put(replace(stored, history=history, outbox=outbox, **changes))
            return True

    def find_by_key(self, user_id: UserId, key: str) -> VideoJob | None:
        """Return the user's job with that key, or None."""
        with self._available_lock():
            return self._with_key(user_id, key)

    def release_key(self, job: VideoJob) -> None:
        """Remove the key of the job."""
        with self._available_lock():
            if job.id in self._jobs:
                self.put(replace(self._jobs[job.id], idempotency=None))

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
        """Return the visible jobs of the user that match, newest first."""
        with self._available_lock():
            visible = [job for job in self.all() if job.user_id == user_id and job.is_shown(now)]
            matching = [job for job in visible if status in (None, job.status) and batch_id in (None, job.batch_id)]
            beyond = [
                job for job in matching if after is None or _creation_order(job) < (after.created_at, after.job_id)
            ]
            return sorted(beyond, key=_creation_order, reverse=True)[:limit]

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """Return the user's job that has waited longest at the priority; equal times are ordered by ID."""
        with self._available_lock():
            return next(iter(self._waiting(user_id, priority)), None)

    def list_waiting(self, user_id: UserId, priority: Priority, limit: int) -> list[JobId]:
        """Return the IDs of the user's waiting jobs, longest waiting first."""
        with self._available_lock():
            return [job.id for job in self._waiting(user_id, priority)[:limit]]

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Count the jobs ahead: the user's own waiting jobs, or all queued jobs that are due earlier."""
        with self._available_lock():
            if job.waiting_since is not None:
                ahead = [
                    other
                    for other in self._waiting(job.user_id, job.priority)
                    if _waiting_order(other) < _waiting_order(job)
                ]
            else:
                queued = [other for other in self.all() if other.status is JobStatus.QUEUED]
                ahead = [other for other in queued if other.next and job.next and other.next.due_at < job.next.due_at]
            return min(len(ahead), limit)

    def find_left(self, user_id: UserId, created_before: datetime, limit: int) -> JobsLeft:
        """Return the user's jobs up to a time, and all malformed ones."""
        with self._available_lock():
            old = [job for job in self.all() if job.user_id == user_id and job.created_at <= created_before]
            waiting = [job for job in old if job.is_waiting_for_clean_up]
            left = [job for job in old if job not in waiting][:limit]
            return JobsLeft(left, list(self.malformed.values())[: limit - len(left)], is_waiting=bool(waiting))

    def remove_malformed(self, malformed: MalformedJob) -> None:
        """Remove the malformed job, idempotent."""
        with self._available_lock():
            self.malformed.pop(malformed.key, None)

    def remove(self, job: VideoJob) -> bool:
        """Compare the guard and remove the job, atomically."""
        with self._available_lock():
            stored = self._jobs.get(job.id)
            if stored is None or _guard(stored) != _guard(job):
                return False
            del self._jobs[job.id]
            return True

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return live jobs without a next step."""
        with self._available_lock():
            unadopted = [job for job in self.all() if job.is_live and not job.next and job.created_at < created_before]
            return unadopted[:limit]

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Return jobs with an old announcement in the outbox, oldest first."""
        with self._available_lock():
            entries = [(min(announcement.at for announcement in job.outbox), job) for job in self.all() if job.outbox]
            old = [entry for entry in entries if entry[0] < announced_before]
            return [job for _, job in sorted(old, key=lambda entry: entry[0])][:limit]

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Remove the announcements from the outbox."""
        with self._available_lock():
            announced_ids = {announcement.id for announcement in announcements}
            if (job := self._jobs.get(job_id)) is not None:
                remaining = tuple(entry for entry in job.outbox if entry.id not in announced_ids)
                self.put(replace(job, outbox=remaining))

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Return the jobs that failed with the code, oldest first."""
        with self._available_lock():
            failed = [job for job in self.all() if job.status is JobStatus.FAILED and job.error]
            matching = [
                job for job in failed if job.error and job.error.code == code and job.created_at >= created_since
            ]
            return sorted(matching, key=lambda job: job.created_at)[:limit]

    def find_startable(self) -> list[VideoJob]:
        """Return the startable jobs that are due first and last."""
        with self._available_lock():
            queued = [(job.next.due_at, job) for job in self.all() if job.status is JobStatus.QUEUED and job.next]
            startable = sorted((entry for entry in queued if entry[0] < NOT_SCHEDULED), key=lambda entry: entry[0])
            return [startable[0][1], startable[-1][1]] if startable else []

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Return jobs with an overdue step and no valid lease."""
        with self._available_lock():
            due = [(job.status, job.next.due_at, job) for job in self.all() if job.next]
            overdue = [entry for entry in due if entry[1] < due_before and _is_free(entry[2], now)]
            return [job for _, _, job in sorted(overdue, key=lambda entry: entry[:2])][:limit]

    def _available_lock(self) -> RLock:
        if not self.available:
            raise Unavailable
        return self._lock

    def _with_key(self, user_id: UserId, key: str) -> VideoJob | None:
        holders = (job for job in self._jobs.values() if job.idempotency and job.idempotency.key == key)
        return next((job for job in holders if job.user_id == user_id), None)

    def _waiting(self, user_id: UserId, priority: Priority) -> list[VideoJob]:
        waiting = (job for job in self._jobs.values() if job.waiting_since and job.priority is priority)
        return sorted((job for job in waiting if job.user_id == user_id), key=_waiting_order)


def _guard(job: VideoJob) -> tuple[object, ...]:
    step = job.next and (job.next.id, job.next.due_at)
    return job.status, job.attempt, step, job.lease and job.lease.token


def _creation_order(job: VideoJob) -> tuple[datetime, JobId]:
    return job.created_at, job.id


def _waiting_order(job: VideoJob) -> tuple[datetime | None, JobId]:
    return job.waiting_since, job.id


def _is_free(job: VideoJob, now: datetime) -> bool:
    return job.lease is None or job.lease.until <= now
