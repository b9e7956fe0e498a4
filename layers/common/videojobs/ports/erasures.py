"""Protocols for erasures: which of a user's jobs are left to remove, and which erasures are not finished."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from videojobs.domain.job import JobId, UserId, VideoJob


class Erasure(NamedTuple):
    """Request to remove all of a user's jobs that were created up to a time."""

    user_id: UserId
    created_before: datetime


class MalformedJob(NamedTuple):
    """Stored job that can't be read.

    `key` identifies it to its repository. `job_id` is None if it has no valid ID, and then it has no objects.
    `attempts`: the number of attempts that may have stored objects.
    """

    key: object
    job_id: JobId | None
    attempts: int


class JobsLeft(NamedTuple):
    """Jobs of a user that an erasure has not removed yet. `is_waiting`: whether there are deleted jobs to clean up."""

    jobs: list[VideoJob]
    malformed: list[MalformedJob]
    is_waiting: bool


class ErasureRepository(Protocol):
    """Repository of the unfinished requests to erase a user's jobs and batches."""

    def add(self, user_id: UserId, created_before: datetime) -> None:
        """Store an erasure of a user's jobs. A later time replaces an earlier one, but not the reverse.

        Raise `Unavailable` if MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def find_all(self, limit: int) -> Iterable[tuple[UserId, datetime]]:
        """Return up to `limit` erasures by user and time. Raise `Unavailable` if MongoDB does not respond in time."""
        ...

    def remove(self, user_id: UserId, created_before: datetime) -> None:
        """Delete a finished erasure, unless one with a later time was requested meanwhile. Idempotent.

        Raise `Unavailable` if MongoDB does not respond in time; the write may have been applied.
        """
        ...
