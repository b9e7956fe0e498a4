"""Concurrent writers over the real protocol, each with a separate connection: exactly one write is applied."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from copy import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest

from tests.builders import A_USER, a_new_job, a_started_job, a_step, an_id
from tests.fakes.clock import START, VirtualClock
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import ScriptedProvider, only
from tests.fakes.queue import RecordingQueue
from tests.fakes.store import InMemoryVideoStore
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.circuits import MongoCircuitRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.mongo.rates import MongoRateLimiter
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.adapters.mongo.timings import MongoTimingRepository
from videojobs.domain import lifecycle
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import IdempotencyKey, JobStatus, Lease, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.rate import RateLimit
from videojobs.domain.request import Priority
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.reconcile_jobs import reconcile_jobs
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step
from videojobs.services.submit_batch import submit_batch
from videojobs.services.submit_job import submit_job

RACERS = 16
POLICY = StepPolicy()


@pytest.fixture
def connections(connection: MongoConnection, mongo_uri: str) -> Iterator[list[MongoConnection]]:
    """Yield one connection per racer to the same database, all of them open, so that no racer has to connect first."""
    with ExitStack() as closing:
        opened = [MongoConnection(lambda *, refresh=False: mongo_uri) for _ in range(RACERS)]
        for racer in opened:
            racer.run(lambda database: database.command("ping"))
            closing.callback(racer.run, lambda database: database.client.close())
        yield opened


def race[T](racers: list[T], run: "object") -> list[object]:
    """Call `run` for all racers at the same moment. Return the results in the order of the racers."""
    barrier = Barrier(len(racers))

    def start(racer: T) -> object:
        barrier.wait(30)
        return run(racer)  # type: ignore[operator]

    with ThreadPoolExecutor(len(racers)) as pool:
        return list(pool.map(start, racers))


def a_dispatcher(
    connection: MongoConnection,
    *,
    queue: RecordingQueue | None = None,
    notifier: RecordingNotifier | None = None,
    slots: MongoSlotRepository | None = None,
    clock: VirtualClock,
) -> JobDispatcher:
    """Return a dispatcher on the repositories of that connection."""
    return JobDispatcher(
        jobs=MongoJobRepository(connection),
        slots=slots or MongoSlotRepository(connection, cap=20, maximum_waiting=1000),
        queue=queue or RecordingQueue(),
        notifier=notifier or RecordingNotifier(),
        clock=clock,
        policy=POLICY,
    )


@pytest.mark.parametrize("abandoned", [False, True], ids=["a free step", "a step whose worker died"])
def test_one_of_many_workers_claims_a_step(connections: list[MongoConnection], abandoned: bool) -> None:
    repositories = [MongoJobRepository(connection) for connection in connections]
    for _ in range(5):
        job = a_started_job(lease=Lease("dead", START) if abandoned else None)
        repositories[0].add(job)
        assert job.next is not None
        step_id = job.next.id

        def claim(jobs: MongoJobRepository, job: VideoJob = job, step_id: str = step_id) -> VideoJob | None:
            lease = Lease(f"of-{id(jobs)}", START + timedelta(seconds=25))
            return jobs.claim(job.id, step_id, lease, START)

        won = [claimed for claimed in race(repositories, claim) if claimed is not None]
        assert len(won) == 1
        assert repositories[0].find(job.id) == won[0]


def test_worker_that_resumes_after_its_lease_writes_nothing(connection: MongoConnection) -> None:
    jobs = MongoJobRepository(connection)
    job = a_started_job()
    jobs.add(job)
    assert job.next is not None
    slow = jobs.claim(job.id, job.next.id, Lease("slow", START + timedelta(seconds=25)), START)
    later = START + timedelta(seconds=25)
    quick = jobs.claim(job.id, job.next.id, Lease("quick", later + timedelta(seconds=25)), later)
    assert slow is not None
    assert quick is not None
    assert not jobs.save(slow, lifecycle.complete(slow, "s3://of/the-slow", later, POLICY))
    assert jobs.find(job.id) == quick
    assert jobs.save(quick, lifecycle.schedule_render(quick, later))
    moved_on = jobs.find(job.id)
    assert not jobs.save(slow, lifecycle.complete(slow, "s3://of/the-slow", later, POLICY))
    assert not jobs.save(quick, lifecycle.complete(quick, "s3://twice", later, POLICY))
    assert jobs.find(job.id) == moved_on


def test_renewed_lease_is_never_taken_over(connections: list[MongoConnection]) -> None:
    holder, *rivals = [MongoJobRepository(connection) for connection in connections]
    job = a_started_job(Step.RENDER)
    holder.add(job)
    assert job.next is not None
    step_id = job.next.id
    mine = holder.claim(job.id, step_id, Lease("mine", START + timedelta(seconds=25)), START)
    assert mine is not None
    for renewal in range(1, 11):
        now = START + timedelta(seconds=20 * renewal)  # within the current lease, after the end of the previous one
        renewed = lifecycle.keep_rendering(mine, renewal / 10, now, Lease("mine", now + timedelta(seconds=25)))
        assert holder.save(mine, renewed)
        mine = renewed

        def try_to_claim(jobs: MongoJobRepository, now: object = now) -> VideoJob | None:
            return jobs.claim(job.id, step_id, Lease("theirs", START + timedelta(days=1)), now)  # type: ignore[arg-type]

        assert set(race(rivals, try_to_claim)) == {None}
    assert holder.find(job.id) == mine


def test_exactly_one_of_many_outcomes_of_a_step_is_written(connections: list[MongoConnection]) -> None:
    repositories = [MongoJobRepository(connection) for connection in connections]
    job = a_started_job(lease=Lease("mine", START + timedelta(seconds=25)))
    repositories[0].add(job)
    outcomes = {id(jobs): replace(job, lease=None, next=a_step(Step.POLL)) for jobs in repositories}
    saved = race(repositories, lambda jobs: jobs.save(job, outcomes[id(jobs)]))
    assert saved.count(True) == 1
    assert repositories[0].find(job.id) == outcomes[id(repositories[saved.index(True)])]


def test_message_in_many_workers_causes_one_submit_one_poll_and_one_end(connections: list[MongoConnection]) -> None:
    jobs = MongoJobRepository(connections[0])
    provider, queue, notifier, clock = ScriptedProvider(), RecordingQueue(), RecordingNotifier(), VirtualClock()

    dispatcher = partial(a_dispatcher, queue=queue, notifier=notifier, clock=clock)
    job, _ = submit_job(a_new_job(), user_id=A_USER, dispatcher=dispatcher(connections[0]))
    while messages := queue.drain():
        [message] = messages
        clock.advance(message.delay_seconds)

        def work(connection: MongoConnection, step_id: str = message.step_id) -> None:
            run_step(
                job.id,
                step_id,
                dispatcher=dispatcher(connection),
                router=ProviderRouter(only(provider), MongoCircuitRepository(connection)),
                store=InMemoryVideoStore(),
                timings=MongoTimingRepository(connection),
            )

        race(connections, work)
    done = jobs.find(job.id)
    assert done is not None
    assert (done.status, provider.tokens, len(provider.polled)) == (JobStatus.COMPLETED, [f"{job.id}:1"], 1)
    assert [line.note for line in done.history] == ["accepted", "started with scripted", "completed"]
    assert [job.version for _, job in notifier.published] == [1, 2, 3]


def test_concurrent_sweeps_send_each_overdue_step_once(connections: list[MongoConnection]) -> None:
    overdue = [a_started_job(outbox=()) for _ in range(30)]
    for job in overdue:
        MongoJobRepository(connections[0]).add(job)
    queue, clock = RecordingQueue(), VirtualClock(START + timedelta(seconds=31))

    def sweep(connection: MongoConnection) -> int:
        return reconcile_jobs(dispatcher=a_dispatcher(connection, queue=queue, clock=clock))["resent"]

    resent = race(connections[:4], sweep)
    assert sum(resent) == 30  # type: ignore[arg-type]
    assert sorted(sent.job_id for sent in queue.sent) == sorted(job.id for job in overdue)


@pytest.mark.parametrize("key_has_run_out", [False, True])
def test_concurrent_requests_with_one_key_create_one_job(
    connections: list[MongoConnection], key_has_run_out: bool
) -> None:
    queue, clock = RecordingQueue(), VirtualClock()
    key = IdempotencyKey("key", "f" * 64)

    def submit(connection: MongoConnection) -> tuple[str, bool]:
        dispatcher = a_dispatcher(connection, queue=queue, clock=clock)
        job, replayed = submit_job(a_new_job(), user_id=A_USER, dispatcher=dispatcher, idempotency=key)
        return job.id, replayed

    if key_has_run_out:
        submit(connections[0])
        clock.advance(days=1)
        queue.drain()
    results = race(connections, submit)
    assert len({job_id for job_id, _ in results}) == 1  # type: ignore[misc]
    assert [replayed for _, replayed in results].count(False) == 1  # type: ignore[misc]
    assert len(queue.sent) == 1


def test_slots_are_never_exceeded_and_never_leaked(connections: list[MongoConnection]) -> None:
    # Concurrent jobs acquire and release slots. At the end all slots are free.
    slots = [MongoSlotRepository(connection, cap=3, maximum_waiting=1000) for connection in connections]
    counts: list[int] = []

    def acquire_and_release(repository: MongoSlotRepository) -> None:
        for _ in range(5):
            job_id = an_id()
            if repository.acquire_waiting(A_USER, Priority.NORMAL, job_id, START):
                counts.extend(len(share.active) for share in repository.find_unchecked(START + timedelta(days=1), 10))
                repository.release(A_USER, Priority.NORMAL, [job_id])

    race(slots, acquire_and_release)
    assert max(counts) <= 3
    [share] = slots[0].find_unchecked(START + timedelta(days=1), 10)
    assert share.active == ()


@pytest.mark.parametrize("size", [1, 3])
def test_concurrent_submissions_store_exactly_the_permitted_number_of_jobs(
    connections: list[MongoConnection], size: int
) -> None:
    cap, maximum_waiting = 2, 7
    clock, queue = VirtualClock(), RecordingQueue()

    def submit(connection: MongoConnection) -> bool:
        slots = MongoSlotRepository(connection, cap=cap, maximum_waiting=maximum_waiting)
        dispatcher = a_dispatcher(connection, queue=queue, clock=clock, slots=slots)
        try:
            if size == 1:
                submit_job(a_new_job(), user_id=A_USER, dispatcher=dispatcher)
            else:
                batches = MongoBatchRepository(connection)
                submit_batch([a_new_job()] * size, user_id=A_USER, dispatcher=dispatcher, batches=batches)
        except TooManyWaitingJobs:
            return False
        return True

    accepted = race(connections, submit).count(True)
    jobs = MongoJobRepository(connections[0]).list_newest(A_USER, clock.now(), limit=100)
    assert accepted * size == len(jobs) == cap + maximum_waiting
    assert len([job for job in jobs if job.waiting_since is not None]) == maximum_waiting
    assert len(queue.sent) == cap


def test_concurrent_calls_pass_exactly_up_to_the_rate_limit(connections: list[MongoConnection]) -> None:
    limit = RateLimit("generate", 10)

    def call(connection: MongoConnection) -> bool:
        try:
            MongoRateLimiter(connection).count(A_USER, limit, START)
        except RateLimited:
            return False
        return True

    assert sum(bool(passed) for passed in race(connections, call)) == limit.calls


def test_concurrent_batches_with_one_key_are_stored_once(connections: list[MongoConnection]) -> None:
    clock, key = VirtualClock(START), IdempotencyKey("key", "fingerprint")

    def submit(connection: MongoConnection) -> tuple[str, bool]:
        batch, replayed = submit_batch(
            [a_new_job(), a_new_job()],
            user_id=A_USER,
            dispatcher=a_dispatcher(connection, clock=clock),
            batches=MongoBatchRepository(connection),
            idempotency=key,
        )
        return batch.id, replayed

    results = race(connections, submit)
    assert len({batch_id for batch_id, _ in results}) == 1  # type: ignore[misc]
    assert sum(not replayed for _, replayed in results) == 1  # type: ignore[misc]
    assert len(MongoJobRepository(connections[0]).list_newest(A_USER, START, limit=100)) == 2


def test_concurrent_cancel_and_finish_have_one_winner(connections: list[MongoConnection]) -> None:
    repositories = [MongoJobRepository(connection) for connection in connections[:2]]
    for _ in range(20):
        job = a_started_job(Step.FINISH, lease=Lease("token", START + timedelta(seconds=25)))
        repositories[0].add(job)
        ends = [
            lifecycle.complete(job, "s3://videos/1.mp4", START, POLICY),
            lifecycle.cancel(job, START, POLICY),
        ]
        saved = race([0, 1], lambda racer, job=job, ends=ends: repositories[racer].save(job, ends[racer]))
        assert sorted(saved) == [False, True]  # type: ignore[type-var]
        stored = repositories[0].find(job.id)
        assert stored is not None
        assert stored.status is ends[saved.index(True)].status
