"""Slots of a user at a priority: the active jobs that hold them, and the jobs that wait for a slot."""

from datetime import datetime, timedelta
from typing import NamedTuple

from videojobs.domain.errors import RateLimited
from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority

CHECK_EVERY = timedelta(minutes=5)
"""Time after which slots are compared with the jobs again. A crash leaves a slot taken for this time and a sweep."""
GRACE = timedelta(minutes=1)
"""How long an ID may hold a slot or wait before its job is stored. Longer than any submit request takes."""
RETRY_AFTER_SECONDS = 60
"""`Retry-After` of a request that is refused because too many jobs wait. An active job takes about a minute."""


class UserSlots(NamedTuple):
    """Slots of a user at a priority: the IDs of the active jobs, in any order.

    `changed_at`: when a job last acquired a slot or had to wait. `checked_at`: when the slots were last compared with
    the jobs. `waiting_at`: when a job last found no free slot, None if no job is known to wait. `waiting`: the IDs of
    the jobs that wait, in any order.
    """

    user_id: UserId
    priority: Priority
    active: tuple[JobId, ...]
    changed_at: datetime
    checked_at: datetime
    waiting_at: datetime | None = None
    waiting: tuple[JobId, ...] = ()


class TooManyWaitingJobs(RateLimited):
    """Error for new jobs that would have to wait for a slot, if more than `maximum` of the user's jobs would wait."""

    def __init__(self, maximum: int, priority: Priority) -> None:
        """Create the error with the limit in its message."""
        super().__init__(
            RETRY_AFTER_SECONDS,
            f"At most {maximum:,} of your videos with priority {priority} can wait at a time. "
            "Try again when some of them have started, or cancel some.",
        )
