"""A user's share of a lane: which of the user's jobs are active there, and whether others wait for room."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority

CHECK_EVERY = timedelta(minutes=5)
"""How long a crash between a job's end and the next one's start can leave a place empty, and one sweep more."""
GRACE = timedelta(minutes=1)
"""How long an id may stand in a share before its job is stored; longer than any POST lasts."""


@dataclass(frozen=True, slots=True)
class UserSlots:
    """The active jobs of one user in one lane, in the order in which they were let in.

    `waiting_at`: when somebody last found no room; None when nobody waits. `changed_at`: when a job last came in.
    """

    user_id: UserId
    priority: Priority
    active: tuple[JobId, ...]
    changed_at: datetime
    checked_at: datetime
    waiting_at: datetime | None = None
