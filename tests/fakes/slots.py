"""An in-memory repository of the slots of users."""

from collections.abc import Iterable, Sequence
from copy import replace
from datetime import datetime
from threading import Lock
from typing import Any

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, TooManyWaitingJobs, UserSlots


class InMemorySlotRepository:
    """See `ports.SlotRepository`. Safe for threads. With `available = False` every call raises `Unavailable`."""

    def __init__(self, *slots: UserSlots, cap: int = 20, maximum_waiting: int = 1000) -> None:
        self.cap, self.maximum_waiting = cap, maximum_waiting
        self._slots = {(slots.user_id, slots.priority): slots for slots in slots}
        self._lock = Lock()
        self.available = True

    def get(self, user_id: UserId, priority: Priority = Priority.NORMAL) -> UserSlots | None:
        """Return the stored slots, even while the repository is unavailable."""
        with self._lock:
            return self._slots.get((user_id, priority))

    def put(self, slots: UserSlots) -> UserSlots:
        """Store the slots unconditionally, as a direct write to the database does, and return them."""
        with self._lock:
            self._slots[slots.user_id, slots.priority] = slots
            return slots

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Add the jobs that fit to the active jobs and the others to the waiting jobs, atomically, or raise."""
        with self._available_lock():
            slots = self._find_or_create(user_id, priority, now)
            free = 0 if slots.waiting_at else self.cap - len(slots.active)
            admitted, excess = job_ids[:free], job_ids[free:]
            waiting = tuple({*slots.waiting} - {*admitted} | {*excess})
            if excess and len(waiting) > self.maximum_waiting:
                raise TooManyWaitingJobs(self.maximum_waiting, priority)
            waiting_at = now if excess else slots.waiting_at
            self._store(_with(slots, *admitted), changed_at=now, waiting_at=waiting_at, waiting=waiting)
            return len(admitted)

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Move the job to the active jobs if a slot is free, atomically; return whether it holds a slot."""
        with self._available_lock():
            slots = self._find_or_create(user_id, priority, now)
            if len(slots.active) >= self.cap:
                return job_id in slots.active
            waiting = _without(slots.waiting, [job_id])
            self._store(_with(slots, job_id), changed_at=now, waiting=waiting)
            return True

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Remove the jobs from the active and the waiting jobs; return whether jobs may wait for a slot."""
        with self._available_lock():
            slots = self._slots.get((user_id, priority))
            if slots is None:
                return False
            self._store(slots, active=_without(slots.active, job_ids), waiting=_without(slots.waiting, job_ids))
            return slots.waiting_at is not None

    def correct(self, held: UserSlots, actual: UserSlots) -> None:
        """Apply the differences to the stored slots, atomically."""
        with self._available_lock():
            slots = self._slots.get((held.user_id, held.priority))
            if slots is None:
                return
            active = _without(slots.active, _without(held.active, actual.active))
            kept = _without(slots.waiting, _without(held.waiting, actual.waiting))
            waiting = tuple({*kept, *_without(actual.waiting, held.waiting)})
            self._store(slots, active=active, waiting=waiting)

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Clear the mark of waiting jobs, unless it is later than `seen_at`, atomically."""
        with self._available_lock():
            slots = self._slots.get((user_id, priority))
            if slots is not None and slots.waiting_at is not None and slots.waiting_at <= seen_at:
                self._store(slots, waiting_at=None)

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Return slots that were checked before that time, longest ago first."""
        with self._available_lock():
            unchecked = [slots for slots in self._slots.values() if slots.checked_at < checked_before]
            return sorted(unchecked, key=lambda slots: slots.checked_at)[:limit]

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Store the time of the check, or remove slots that have been empty for the grace period and are unchanged."""
        with self._available_lock():
            stored = self._slots.get((slots.user_id, slots.priority))
            if stored is None:
                return
            is_idle = (
                not stored.active
                and not stored.waiting
                and stored.waiting_at is None
                and stored.changed_at < now - GRACE
            )
            if is_idle and stored == slots:
                del self._slots[slots.user_id, slots.priority]
            else:
                self._store(stored, checked_at=now)

    def _find_or_create(self, user_id: UserId, priority: Priority, now: datetime) -> UserSlots:
        return self._slots.get((user_id, priority), UserSlots(user_id, priority, (), changed_at=now, checked_at=now))

    def _store(self, slots: UserSlots, **changes: Any) -> None:
        self._slots[slots.user_id, slots.priority] = replace(slots, **changes)

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


def _with(slots: UserSlots, *job_ids: JobId) -> UserSlots:
    return replace(slots, active=(*slots.active, *(job_id for job_id in job_ids if job_id not in slots.active)))


def _without(job_ids: Iterable[JobId], others: Iterable[JobId]) -> tuple[JobId, ...]:
    return tuple(job_id for job_id in job_ids if job_id not in set(others))
