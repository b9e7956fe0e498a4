"""Slots of a user at a priority: the active jobs that hold them, and whether more jobs wait for a slot."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videojobs.domain.job import JobId, UserId
from videojobs.domain.request import Priority

CHECK_EVERY = timedelta(minutes=5)
"""Time after which slots are compared with the jobs again. A crash leaves a slot taken for this time and a sweep."""
GRACE = timedelta(minutes=1)
"""How long an ID may hold a slot before its job is stored. Longer than any submit request takes."""


@dataclass(frozen=True, slots=True)
class UserSlots:
    """Slots of a user at a priority: the IDs of the active jobs, in the order in which they acquired a slot.

    `changed_at`: when a job last acquired a slot or had to wait. `checked_at`: when the slots were last compared with
    the jobs. `waiting_at`: when a job last found no free slot, None if no job is known to wait.
    """

    user_id: UserId
    priority: Priority
    active: tuple[JobId, ...]
    changed_at: datetime
    checked_at: datetime
    waiting_at: datetime | None = None
