"""What keeps one user from taking everything, said as Protocols."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from videojobs.domain.job import JobId, UserId
from videojobs.domain.rate import Allowance, RateLimit
from videojobs.domain.request import Priority
from videojobs.domain.slots import UserSlots


class SlotRepository(Protocol):
    """Each user's share of each lane: the set of the user's active jobs there, never larger than `cap`.

    A set and no counter: whatever crashes or repeats, an id stands in it once, and one that should not can be seen.
    """

    cap: int

    def acquire(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId], now: datetime) -> int:
        """Put new jobs in, the first ones first, while there is room and nobody waits; how many got in.

        A guarded update: of any number of callers at once only as many get in as there is room for. If not all do, the
        share remembers `now` as `waiting_at`.
        """
        ...

    def acquire_waiting(self, user_id: UserId, priority: Priority, job_id: JobId, now: datetime) -> bool:
        """Put a job in that has waited, if there is room; True as well when it is in already."""
        ...

    def release(self, user_id: UserId, priority: Priority, job_ids: Sequence[JobId]) -> bool:
        """Take jobs out, harmless when they are out already; whether somebody may be waiting for the room."""
        ...

    def clear_waiting(self, user_id: UserId, priority: Priority, seen_at: datetime) -> None:
        """Forget `waiting_at`, unless somebody has come to wait since `seen_at`."""
        ...

    def find_unchecked(self, checked_before: datetime, limit: int) -> Iterable[UserSlots]:
        """Shares that nobody has compared with the jobs since then. Served by the index `checked`."""
        ...

    def mark_checked(self, slots: UserSlots, now: datetime) -> None:
        """Remember that a share was compared; one that is empty and as it was is removed instead."""
        ...


class RateLimiter(Protocol):
    """Counts what a user does, exactly, in any window of a minute."""

    def count(self, user_id: UserId, limit: RateLimit, now: datetime) -> Allowance:
        """Count one more call and say what is left; of any number of calls at once no more than the limit pass.

        Raises:
            RateLimited: no more are allowed now; `retry_after_seconds` says when one is. It is not counted.
            Unavailable: MongoDB does not answer: the call is refused with that, as it could do nothing without it.
        """
        ...
