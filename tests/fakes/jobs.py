"""The jobs in memory, under the guards that `MongoJobRepository` puts into its filters."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import datetime
from threading import RLock
from uuid import uuid4

from videojobs.domain.errors import IdempotencyKeyTaken, Unavailable
from videojobs.domain.job import MAXIMUM_HISTORY, Announcement, JobId, JobStatus, Lease, UserId, VideoJob


class InMemoryJobRepository:
    """See `ports.JobRepository`. Safe for threads: each method is one step that nobody sees the middle of.

    `available = False` makes every call raise `Unavailable`. `before_save` runs ahead of each save with its arguments:
    it may let somebody else go first (`put`), or raise what a broken connection would.
    """

    def __init__(self, *jobs: VideoJob) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._lock = RLock()
        self.available = True
        self.before_save: Callable[[VideoJob, VideoJob], None] | None = None

    def put(self, job: VideoJob) -> VideoJob:
        """Set the stored job, whatever was there: a test's own hand in the database."""
        with self._lock:
            self._jobs[job.id] = job
            return job

    def get(self, job_id: JobId) -> VideoJob:
        """The stored job, also while the repository is unavailable to others."""
        with self._lock:
            return self._jobs[job_id]

    def all(self) -> list[VideoJob]:
        """Every job, in the order of their insertion."""
        with self._lock:
            return list(self._jobs.values())

    def new_id(self) -> JobId:
        """24 hex digits."""
        return JobId(uuid4().hex[:24])

    def add(self, job: VideoJob) -> None:
        """Insert, unless the id is there already or the user's key is taken."""
        with self._answering():
            if job.id in self._jobs:
                return
            if job.idempotency is not None and self._with_key(job.user_id, job.idempotency.key) is not None:
                raise IdempotencyKeyTaken
            self._jobs[job.id] = job

    def find(self, job_id: JobId) -> VideoJob | None:
        """The stored job."""
        with self._answering():
            return self._jobs.get(job_id)

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Compare step and lease, and set the lease, in one."""
        with self._answering():
            job = self._jobs.get(job_id)
            if job is None or job.next is None or job.next.id != step_id:
                return None
            if not _is_free(job, now):
                return None
            return self.put(replace(job, lease=lease, next=replace(job.next, due_at=now)))

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Compare the guard and set the fields that differ, in one; to history and outbox what is new is added."""
        if self.before_save is not None:
            self.before_save(before, after)
        with self._answering():
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
        """The user's job of that key."""
        with self._answering():
            return self._with_key(user_id, key)

    def release_key(self, job: VideoJob) -> None:
        """Take the key off."""
        with self._answering():
            if job.id in self._jobs:
                self.put(replace(self._jobs[job.id], idempotency=None))

    def list_newest(
        self, user_id: UserId, now: datetime, *, limit: int, status: JobStatus | None = None
    ) -> list[VideoJob]:
        """A user's jobs, sorted."""
        with self._answering():
            own = [job for job in self.all() if job.user_id == user_id and status in {None, job.status}]
            shown = [job for job in own if job.expires_at is None or job.expires_at > now]
            return sorted(shown, key=lambda job: (job.created_at, job.id), reverse=True)[:limit]

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Live jobs without a next step."""
        with self._answering():
            found = [job for job in self.all() if job.is_live and not job.next and job.created_at < created_before]
            return found[:limit]

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs with an old announcement in the outbox."""
        with self._answering():
            return [job for job in self.all() if any(each.at < announced_before for each in job.outbox)][:limit]

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Take them out of the outbox."""
        with self._answering():
            sent = {announcement.id for announcement in announcements}
            if (job := self._jobs.get(job_id)) is not None:
                self.put(replace(job, outbox=tuple(each for each in job.outbox if each.id not in sent)))

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Live jobs whose step nobody came for, or whose worker gave no more sign of life."""
        with self._answering():
            due = [(job.status, job.next.due_at, job) for job in self.all() if job.is_live and job.next]
            overdue = [entry for entry in due if entry[1] < due_before and _is_free(entry[2], now)]
            return [job for _, _, job in sorted(overdue, key=lambda entry: entry[:2])][:limit]

    def _answering(self) -> RLock:
        if not self.available:
            raise Unavailable
        return self._lock

    def _with_key(self, user_id: UserId, key: str) -> VideoJob | None:
        holders = (job for job in self._jobs.values() if job.idempotency and job.idempotency.key == key)
        return next((job for job in holders if job.user_id == user_id), None)


def _guard(job: VideoJob) -> tuple[object, ...]:
    step = job.next and (job.next.id, job.next.due_at)
    return job.status, step, job.lease and job.lease.token


def _is_free(job: VideoJob, now: datetime) -> bool:
    return job.lease is None or job.lease.until <= now
