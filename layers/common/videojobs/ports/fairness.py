"""Protocols for fairness between users: slots and rate limits."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from videojobs.domain.job import JobId, UserId
from videojobs.domain.rate import Allowance, RateLimit
from videojobs.domain.request import Priority
from videojobs.domain.slots import UserSlots


class SlotRepository(Protocol):
    """Repository of slots: for each user and priority, the set of active jobs and the set of jobs that wait for a slot.

    Of active jobs there are never more than `cap`, and new jobs that would wait are refused above `maximum_waiting`.
    They are sets and not counters, so that repeats and crashes can't count a job twice, and a job that was not removed
    can be found.
    """

    cap: int
    maximum_waiting: int

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Acquire slots for new jobs, in their order, while slots are free and no job waits. Return their number.

        The remaining jobs wait, and `now` is stored as `waiting_at`. Concurrent calls can't exceed `cap` or
        `maximum_waiting`.

        Raises:
            TooManyWaitingJobs: If more than `maximum_waiting` jobs would wait. Nothing is stored.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Acquire a slot for a job that waits, if one is free. Return whether the job has a slot. Idempotent.

        A job that gets a slot does not wait any more.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Release the slots of jobs, and end their waiting. Idempotent. Return whether jobs may wait, by `waiting_at`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Clear `waiting_at`, unless a job has begun to wait after `seen_at`. Idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def correct(self, held: UserSlots, actual: UserSlots) -> None:
        """Remove and add the IDs that differ in `active` and `waiting`. Other IDs, and later changes, are kept.

        Idempotent. `actual` contains no active job that `held` does not contain.

        Raises:
            Unavailable: If MongoDB does not respond in time; a part may have been corrected.
        """
        ...

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Return up to `limit` users' slots that were last compared with the jobs before `checked_before`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        ...

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Store that the slots were compared at `now`. Delete them instead if they are empty and unused for `GRACE`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...


class RateLimiter(Protocol):
    """Counts a user's calls exactly, in a sliding window of one minute."""

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count a call and return the remaining allowance. Concurrent calls can't exceed the limit.

        Raises:
            RateLimited: If the limit is reached. The call is not counted; `retry_after_seconds` is when to try again.
            Unavailable: If MongoDB does not respond in time; the call may have been counted.
        """
        ...


class ReadLimiter(Protocol):
    """Limits a user's reads within one minute, without a write to MongoDB for users with few reads."""

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> None:
        """Count a read. The limit is approximate: each process leaves out up to `uncounted_calls` reads of a user.

        Raises:
            RateLimited: If the limit is reached; `retry_after_seconds` is when to try again.
            Unavailable: If MongoDB does not respond in time when the read is counted there.
        """
        ...
