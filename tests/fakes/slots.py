"""Users' shares of the lanes in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, UserSlots


class InMemorySlotRepository:
    """See `ports.SlotRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`."""

    def __init__(self, *slots: UserSlots, cap: int = 20) -> None:
        self.cap = cap
        self._shares = {(share.user_id, share.priority): share for share in slots}
        self._lock = Lock()
        self.available = True

    def get(self, user_id: UserId, priority: Priority = Priority.NORMAL) -> UserSlots | None:
        """The stored share, also while the repository is unavailable to others."""
        with self._lock:
            return self._shares.get((user_id, priority))

    def put(self, share: UserSlots) -> UserSlots:
        """Set the stored share, whatever was there: a test's own hand in the database."""
        with self._lock:
            self._shares[share.user_id, share.priority] = share
            return share

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Compare and put in, in one."""
        with self._answering():
            share = self._find_or_make(user_id, priority, now)
            room = 0 if share.waiting_at else self.cap - len(share.active)
            entering = job_ids[:room]
            waiting_at = share.waiting_at if len(entering) == len(job_ids) else now
            self._keep(_with(share, *entering), changed_at=now, waiting_at=waiting_at)
            return len(entering)

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Compare and put in, in one."""
        with self._answering():
            share = self._find_or_make(user_id, priority, now)
            if job_id not in share.active and len(share.active) >= self.cap:
                return False
            self._keep(_with(share, job_id), changed_at=now)
            return True

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Take them out."""
        with self._answering():
            share = self._shares.get((user_id, priority))
            if share is None:
                return False
            self._keep(share, active=tuple(job_id for job_id in share.active if job_id not in job_ids))
            return share.waiting_at is not None

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Compare and forget, in one."""
        with self._answering():
            share = self._shares.get((user_id, priority))
            if share is not None and share.waiting_at is not None and share.waiting_at <= seen_at:
                self._keep(share, waiting_at=None)

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Those whose last comparison is the longest ago come first."""
        with self._answering():
            found = [share for share in self._shares.values() if share.checked_at < checked_before]
            return sorted(found, key=lambda share: share.checked_at)[:limit]

    def mark_checked(self, share: UserSlots, now: datetime) -> None:
        """Remember it, or remove one that has been empty for a while and still is."""
        with self._answering():
            stored = self._shares.get((share.user_id, share.priority))
            if stored is None:
                return
            is_idle = not stored.active and stored.waiting_at is None and stored.changed_at < now - GRACE
            if is_idle and stored == share:
                del self._shares[share.user_id, share.priority]
            else:
                self._keep(stored, checked_at=now)

    def _find_or_make(self, user_id: UserId, priority: Priority, now: datetime) -> UserSlots:
        return self._shares.get((user_id, priority), UserSlots(user_id, priority, (), changed_at=now, checked_at=now))

    def _keep(self, share: UserSlots, **changes: Any) -> None:
        self._shares[share.user_id, share.priority] = replace(share, **changes)

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


def _with(share: UserSlots, *job_ids: JobId) -> UserSlots:
    return replace(share, active=(*share.active, *(job_id for job_id in job_ids if job_id not in share.active)))
