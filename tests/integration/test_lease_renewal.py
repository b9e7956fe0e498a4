"""Renewal of the lease during a submit, with the system clock, a real thread and MongoDB."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Semaphore

from tests.builders import a_job
from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import ScriptedProvider, only
from tests.fakes.queue import RecordingQueue
from tests.fakes.slots import InMemorySlotRepository
from tests.fakes.store import InMemoryVideoStore
from tests.fakes.timings import InMemoryTimingRepository
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.job import Lease, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.videos import Submission
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step

PATIENCE_SECONDS = 30.0
LEASE = timedelta(hours=1)


class EagerClock(SystemClock):
    """Clock of the system whose intervals are so short that a test need not wait."""

    def every(self, interval: timedelta, action: Callable[[], bool]) -> AbstractContextManager[None]:
        """Call `action` every few milliseconds."""
        return super().every(interval / 1_000_000, action)


class CountedJobs(MongoJobRepository):
    """Repository that counts the saves that were written."""

    def __init__(self, connection: MongoConnection) -> None:
        super().__init__(connection)
        self.saved = Semaphore(0)

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Save, and count it if it was written."""
        is_written = super().save(before, after)
        if is_written:
            self.saved.release()
        return is_written


def test_a_slow_submit_keeps_its_lease_and_stores_the_task(connection: MongoConnection) -> None:
    jobs, leases = CountedJobs(connection), list[Lease]()

    def accept_after_three_renewals() -> Submission:
        for _ in range(4):  # the intent and three renewals
            assert jobs.saved.acquire(timeout=PATIENCE_SECONDS)
            stored = jobs.find(job.id)
            assert stored is not None
            assert stored.lease is not None
            leases.append(stored.lease)
        return Submission("task-1", poll_after_seconds=5)

    clock = EagerClock()
    job = a_job(outbox=(), created_at=clock.now())
    jobs.add(job)
    assert job.next is not None
    provider = ScriptedProvider(submits=[accept_after_three_renewals])
    run_step(
        job.id,
        job.next.id,
        dispatcher=JobDispatcher(
            jobs=jobs,
            slots=InMemorySlotRepository(),
            queue=RecordingQueue(),
            notifier=RecordingNotifier(),
            clock=clock,
            policy=StepPolicy(lease_duration=LEASE, deadline=timedelta(days=1)),
        ),
        router=ProviderRouter(only(provider), InMemoryCircuitRepository()),
        store=InMemoryVideoStore(),
        timings=InMemoryTimingRepository(),
    )
    tokens, ends = {lease.token for lease in leases}, [lease.until for lease in leases]
    assert len(tokens) == 1
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]
    stored = jobs.find(job.id)
    assert stored is not None
    assert stored.lease is None
    assert stored.provider is not None
    assert stored.provider.ref == "task-1"
