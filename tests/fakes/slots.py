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
        self._shares = {(slots.user_id, slots.priority): slots for slots in slots}
        self._lock = Lock()
        self.available = True

    def get(self, user_id: UserId, priority: Priority = Priority.NORMAL) -> UserSlots | None:
        """The stored slots, also while the repository is unavailable to others."""
        with self._lock:
            return self._shares.get((user_id, priority))

    def put(self, slots: UserSlots) -> UserSlots:
        """Set the stored slots, whatever was there: a test's own hand in the database."""
        with self._lock:
            self._shares[slots.user_id, slots.priority] = slots
            return slots

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Compare and put in, in one."""
        with self._answering():
            slots = self._find_or_make(user_id, priority, now)
            room = 0 if slots.waiting_at else self.cap - len(slots.active)
            entering = job_ids[:room]
            waiting_at = slots.waiting_at if len(entering) == len(job_ids) else now
            self._keep(_with(slots, *entering), changed_at=now, waiting_at=waiting_at)
            return len(entering)

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Compare and put in, in one."""
        with self._answering():
            slots = self._find_or_make(user_id, priority, now)
            if job_id not in slots.active and len(slots.active) >= self.cap:
                return False
            self._keep(_with(slots, job_id), changed_at=now)
            return True

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Take them out."""
        with self._answering():
            slots = self._shares.get((user_id, priority))
            if slots is None:
                return False
            self._keep(slots, active=tuple(job_id for job_id in slots.active if job_id not in job_ids))
            return slots.waiting_at is not None

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Compare and forget, in one."""
        with self._answering():
            slots = self._shares.get((user_id, priority))
            if slots is not None and slots.waiting_at is not None and slots.waiting_at <= seen_at:
                self._keep(slots, waiting_at=None)

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Those whose last comparison is the longest ago come first."""
        with self._answering():
            found = [slots for slots in self._shares.values() if slots.checked_at < checked_before]
            return sorted(found, key=lambda slots: slots.checked_at)[:limit]

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Remember it, or remove one that has been empty for a while and still is."""
        with self._answering():
            stored = self._shares.get((slots.user_id, slots.priority))
            if stored is None:
                return
            is_idle = not stored.active and stored.waiting_at is None and stored.changed_at < now - GRACE
            if is_idle and stored == slots:
                del self._shares[slots.user_id, slots.priority]
            else:
                self._keep(stored, checked_at=now)

    def _find_or_make(self, user_id: UserId, priority: Priority, now: datetime) -> UserSlots:
        return self._shares.get((user_id, priority), UserSlots(user_id, priority, (), changed_at=now, checked_at=now))

    def _keep(self, slots: UserSlots, **changes: Any) -> None:
        self._shares[slots.user_id, slots.priority] = replace(slots, **changes)

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


def _with(slots: UserSlots, *job_ids: JobId) -> UserSlots:
    return replace(slots, active=(*slots.active, *(job_id for job_id in job_ids if job_id not in slots.active)))
