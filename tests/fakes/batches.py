"""The batches in memory, beside the jobs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from tests.fakes.clock import VirtualClock
from tests.fakes.ids import ObjectIds
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import IdempotencyKeyTaken, Unavailable
from videojobs.domain.job import Batch, BatchId, UserId, VideoJob
from videojobs.ports.jobs import Clock


class InMemoryBatchRepository:
    """See `ports.BatchRepository`. Safe for threads. The jobs of a batch go into `jobs`.

    `available = False`: nothing is stored and `Unavailable` raised. `answers_lost = True`: the batch is stored, but the
    answer is lost on its way, so that `Unavailable` is raised all the same.
    """

    def __init__(self, jobs: InMemoryJobRepository, *batches: Batch, clock: Clock | None = None) -> None:
        self._jobs = jobs
        self._batches = {batch.id: batch for batch in batches}
        self._ids = ObjectIds(clock or VirtualClock())
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    def all(self) -> list[Batch]:
        """Every batch, in the order of their insertion."""
        with self._lock:
            return list(self._batches.values())

    def new_id(self) -> BatchId:
        """24 hex digits."""
        return BatchId(self._ids.make())

    def add(self, batch: Batch, jobs: Sequence[VideoJob]) -> None:
        """Insert all of it, unless it is there already or the user's key is taken."""
        with self._answering():
            if batch.id not in self._batches:
                if batch.idempotency is not None and self._with_key(batch.user_id, batch.idempotency.key) is not None:
                    raise IdempotencyKeyTaken
                self._batches[batch.id] = batch
                for job in jobs:
                    self._jobs.put(job)
            if self.answers_lost:
                raise Unavailable

    def find(self, batch_id: BatchId) -> Batch | None:
        """The stored batch."""
        with self._answering():
            return self._batches.get(batch_id)

    def find_by_key(self, user_id: UserId, key: str) -> Batch | None:
        """The user's batch of that key."""
        with self._answering():
            return self._with_key(user_id, key)

    def release_key(self, batch: Batch) -> None:
        """Take the key off."""
        with self._answering():
            if batch.id in self._batches:
                self._batches[batch.id] = replace(self._batches[batch.id], idempotency=None)

    def remove_all(self, user_id: UserId, created_before: datetime) -> None:
        """Forget them."""
        with self._answering():
            batches = self._batches.values()
            gone = [each.id for each in batches if each.user_id == user_id and each.created_at <= created_before]
            for batch_id in gone:
                del self._batches[batch_id]

    def _with_key(self, user_id: UserId, key: str) -> Batch | None:
        holders = (batch for batch in self._batches.values() if batch.idempotency and batch.idempotency.key == key)
        return next((batch for batch in holders if batch.user_id == user_id), None)

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock
