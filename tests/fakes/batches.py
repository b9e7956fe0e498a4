"""An in-memory repository of batches, next to that of the jobs."""

from collections.abc import Sequence
from copy import replace
from datetime import datetime
from threading import Lock

from tests.fakes.clock import VirtualClock
from tests.fakes.ids import ObjectIds
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import IdempotencyKeyTaken, Unavailable
from videojobs.domain.job import Batch, BatchId, UserId, VideoJob
from videojobs.ports.jobs import Clock


class InMemoryBatchRepository:
    """See `ports.BatchRepository`. Safe for threads. The jobs of a batch are stored in `jobs`.

    With `available = False` nothing is stored and `Unavailable` is raised. With `answers_lost = True` the batch is
    stored, but `Unavailable` is raised because the response is lost.
    """

    def __init__(self, jobs: InMemoryJobRepository, *batches: Batch, clock: Clock | None = None) -> None:
        self._jobs = jobs
        self._batches = {batch.id: batch for batch in batches}
        self._ids = ObjectIds(clock or VirtualClock())
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    def all(self) -> list[Batch]:
        """Return every batch, in the order of insertion."""
        with self._lock:
            return list(self._batches.values())

    def new_id(self) -> BatchId:
        """Return a new ID of 24 hexadecimal digits."""
        return BatchId(self._ids.make())

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert the batch and its jobs; an existing ID is ignored, and a taken key raises `IdempotencyKeyTaken`."""
        with self._available_lock():
            if batch.id not in self._batches:
                if batch.idempotency is not None and self._with_key(batch.user_id, batch.idempotency.key) is not None:
                    raise IdempotencyKeyTaken
                self._batches[batch.id] = batch
                for job in jobs:
                    self._jobs.put(job)
            if self.answers_lost:
                raise Unavailable

    def find(self, batch_id: BatchId) -> Batch | None:
        """Return the stored batch, or None."""
        with self._available_lock():
            return self._batches.get(batch_id)

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """Return the user's batch with that key, or None."""
        with self._available_lock():
            return self._with_key(user_id, key)

    def release_key(self, batch: Batch) -> None:
        """Remove the key of the batch."""
        with self._available_lock():
            if batch.id in self._batches:
                self._batches[batch.id] = replace(self._batches[batch.id], idempotency=None)

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Remove the user's batches up to that time."""
        with self._available_lock():
            batches = self._batches.values()
            removed_ids = [
                batch.id for batch in batches if batch.user_id == user_id and batch.created_at <= created_before
            ]
            for batch_id in removed_ids:
                del self._batches[batch_id]

    def _with_key(self, user_id: UserId, key: str) -> Batch | None:
        holders = (batch for batch in self._batches.values() if batch.idempotency and batch.idempotency.key == key)
        return next((batch for batch in holders if batch.user_id == user_id), None)

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
