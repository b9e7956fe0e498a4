"""The jobs in memory, under the guards that `MongoJobRepository` puts into its filters."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
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
from videojobs.ports.jobs import Clock, Position


class InMemoryJobRepository:
    """See `ports.JobRepository`. Safe for threads: each method is one step that nobody sees the middle of.

    `available = False` makes every call raise `Unavailable`. `before_save` runs ahead of each save with its arguments:
    it may let somebody else go first (`put`), or raise what a broken connection would. New ids are of `clock`'s time.
    """

    def __init__(self, *jobs: VideoJob, clock: Clock | None = None) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._ids = ObjectIds(clock or VirtualClock())
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
        """24 hex digits, in order."""
        return JobId(self._ids.make())

    def created_at(self, job_id: JobId) -> datetime:
        """Return the time in the ID's first eight digits."""
        return datetime.fromtimestamp(int(job_id[:8], 16), UTC)

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
        self,
        user_id: UserId,
        now: datetime,
        *,
        limit: int,
        after: Position | None = None,
        status: JobStatus | None = None,
        batch_id: BatchId | None = None,
    ) -> list[VideoJob]:
        """What the user is shown, the newest first."""
        with self._answering():
            shown = [job for job in self.all() if job.user_id == user_id and job.is_shown(now)]
            found = [job for job in shown if status in (None, job.status) and batch_id in (None, job.batch_id)]
            beyond = [job for job in found if after is None or _age(job) < (after.created_at, after.job_id)]
            return sorted(beyond, key=_age, reverse=True)[:limit]

    def find_waiting(self, user_id: UserId, priority: Priority) -> VideoJob | None:
        """The longest waiting one; of those that came at once the first."""
        with self._answering():
            return next(iter(self._waiting(user_id, priority)), None)

    def count_ahead(self, job: VideoJob, limit: int) -> int:
        """Of the waiting the user's own, of all others those that were due earlier."""
        with self._answering():
            if job.waiting_since is not None:
                ahead = [each for each in self._waiting(job.user_id, job.priority) if _wait(each) < _wait(job)]
            else:
                queued = [each for each in self.all() if each.status is JobStatus.QUEUED]
                ahead = [each for each in queued if each.next and job.next and each.next.due_at < job.next.due_at]
            return min(len(ahead), limit)

    def remove(self, job: VideoJob) -> bool:
        """Compare the guard and delete, in one."""
        with self._answering():
            stored = self._jobs.get(job.id)
            if stored is None or _guard(stored) != _guard(job):
                return False
            del self._jobs[job.id]
            return True

    def find_unadopted(self, created_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Live jobs without a next step."""
        with self._answering():
            found = [job for job in self.all() if job.is_live and not job.next and job.created_at < created_before]
            return found[:limit]

    def find_unannounced(self, announced_before: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs with an old announcement in the outbox, the oldest first."""
        with self._answering():
            found = [(min(each.at for each in job.outbox), job) for job in self.all() if job.outbox]
            old = [entry for entry in found if entry[0] < announced_before]
            return [job for _, job in sorted(old, key=lambda entry: entry[0])][:limit]

    def mark_announced(self, job_id: JobId, announcements: Iterable[Announcement]) -> None:
        """Take them out of the outbox."""
        with self._answering():
            sent = {announcement.id for announcement in announcements}
            if (job := self._jobs.get(job_id)) is not None:
                self.put(replace(job, outbox=tuple(each for each in job.outbox if each.id not in sent)))

    def find_failed(self, code: str, created_since: datetime, limit: int) -> Iterable[VideoJob]:
        """Those that failed with a code, the oldest first."""
        with self._answering():
            failed = [job for job in self.all() if job.status is JobStatus.FAILED and job.error]
            found = [job for job in failed if job.error and job.error.code == code and job.created_at >= created_since]
            return sorted(found, key=lambda job: job.created_at)[:limit]

    def find_startable(self) -> list[VideoJob]:
        """The first and the last by when they are due."""
        with self._answering():
            queued = [(job.next.due_at, job) for job in self.all() if job.status is JobStatus.QUEUED and job.next]
            startable = sorted((entry for entry in queued if entry[0] < NOT_SCHEDULED), key=lambda entry: entry[0])
            return [startable[0][1], startable[-1][1]] if startable else []

    def find_overdue(self, due_before: datetime, now: datetime, limit: int) -> Iterable[VideoJob]:
        """Jobs whose step nobody came for, or whose worker gave no more sign of life."""
        with self._answering():
            due = [(job.status, job.next.due_at, job) for job in self.all() if job.next]
            overdue = [entry for entry in due if entry[1] < due_before and _is_free(entry[2], now)]
            return [job for _, _, job in sorted(overdue, key=lambda entry: entry[:2])][:limit]

    def _answering(self) -> RLock:
        if not self.available:
            raise Unavailable
        return self._lock

    def _with_key(self, user_id: UserId, key: str) -> VideoJob | None:
        holders = (job for job in self._jobs.values() if job.idempotency and job.idempotency.key == key)
        return next((job for job in holders if job.user_id == user_id), None)

    def _waiting(self, user_id: UserId, priority: Priority) -> list[VideoJob]:
        waiting = (job for job in self._jobs.values() if job.waiting_since and job.priority is priority)
        return sorted((job for job in waiting if job.user_id == user_id), key=_wait)


def _guard(job: VideoJob) -> tuple[object, ...]:
    step = job.next and (job.next.id, job.next.due_at)
    return job.status, job.attempt, step, job.lease and job.lease.token


def _age(job: VideoJob) -> tuple[datetime, JobId]:
    return job.created_at, job.id


def _wait(job: VideoJob) -> tuple[datetime | None, JobId]:
    return job.waiting_since, job.id


def _is_free(job: VideoJob, now: datetime) -> bool:
    return job.lease is None or job.lease.until <= now
