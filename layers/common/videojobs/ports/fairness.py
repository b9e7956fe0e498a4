"""Protocols for fairness between users: slots and rate limits."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from videojobs.domain.job import JobId, UserId
from videojobs.domain.rate import Allowance, RateLimit
from videojobs.domain.request import Priority
from videojobs.domain.slots import UserSlots


class SlotRepository(Protocol):
    """Repository of slots: for each user and priority, the set of active jobs, never larger than `cap`.

    It is a set and not a counter, so that repeats and crashes can't count a job twice, and a slot that was not released
    can be found.
    """

    cap: int

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Acquire slots for new jobs, in their order, while slots are free and no job waits. Return their number.

        Concurrent calls can't exceed `cap`. If not all jobs get a slot, `now` is stored as `waiting_at`.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Acquire a slot for a job that has waited, if one is free. Return whether the job has a slot. Idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Release the slots of jobs. Idempotent. Return whether jobs may be waiting for a slot, by `waiting_at`.

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
