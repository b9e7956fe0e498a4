"""Runs of a step: a step that ends its worker each time fails its job; runs that an outage ends do not count."""

from collections.abc import Callable
from typing import NoReturn

import pytest

from tests.builders import a_cancelled_job, a_job, a_lease, a_started_job, a_step, an_output
from tests.fakes.provider import ScriptedProvider
from tests.fakes.renderer import ScriptedRenderer
from tests.fakes.store import InMemoryVideoStore
from tests.system import InMemorySystem
from videojobs.domain.deadlines import MAXIMUM_RUNS
from videojobs.domain.errors import FailureCode, Unavailable
from videojobs.domain.job import JobStatus, Step, VideoJob
from videojobs.domain.lifecycle import INTERNAL_FAILURE
from videojobs.domain.storage import StoredObject


class ProcessKilled(BaseException):
    """Lambda ends the process of the worker, for example because it exceeds its memory."""


class FatalStore(InMemoryVideoStore):
    """Store that ends the process that asks for a size."""

    def size(self, stored: StoredObject) -> int | None:
        raise ProcessKilled


def kill(*_: object) -> NoReturn:
    raise ProcessKilled


def a_fatal_system() -> InMemorySystem:
    """Return a system in which every step of a live job ends its worker."""
    provider = ScriptedProvider(submits=[kill] * 100, polls=[kill] * 100)
    return InMemorySystem(provider=provider, renderer=ScriptedRenderer(at_report=kill), store=FatalStore())


JOBS: dict[Step, Callable[[], VideoJob]] = {
    Step.START: a_job,
    Step.POLL: lambda: a_started_job(Step.POLL),
    Step.RENDER: lambda: a_started_job(Step.RENDER),
    Step.FINISH: lambda: a_started_job(Step.FINISH, output=an_output()),
}


@pytest.mark.parametrize(
    "make_job", [*JOBS.values(), lambda: a_started_job(Step.POLL, provider=None)], ids=[*JOBS, "a poll without a task"]
)
def test_a_step_that_always_ends_its_worker_fails_its_job_after_ten_runs(make_job: Callable[[], VideoJob]) -> None:
    system = a_fatal_system()
    message = system.put(make_job())
    system.queue.put_back(message)
    runs = 0
    for _ in range(20):
        for sent in system.queue.drain():
            try:
                system.deliver(sent)
            except (ProcessKilled, ValueError):
                runs += 1
        system.clock.advance(minutes=1)
        system.sweep()
    failed = system.jobs.get(message.job_id)
    assert (failed.status, failed.error_message) == (JobStatus.FAILED, INTERNAL_FAILURE.message)
    assert failed.error is not None
    assert failed.error.code == FailureCode.INTERNAL_ERROR
    assert runs == MAXIMUM_RUNS == 10


def test_a_failed_job_without_runs_left_stops_its_provider_task() -> None:
    system = InMemorySystem()
    system.deliver(system.put(a_started_job(Step.POLL, next=a_step(Step.POLL, runs=MAXIMUM_RUNS))))
    assert system.provider.cancelled == ["task-1"]


def test_the_runs_of_a_clean_up_are_not_limited() -> None:
    system = InMemorySystem()
    job = system.deliver(system.put(a_cancelled_job(next=a_step(Step.CLEAN_UP, runs=MAXIMUM_RUNS))))
    assert (job.status, job.next) == (JobStatus.CANCELLED, None)


def test_the_next_step_starts_without_runs() -> None:
    system = InMemorySystem()
    submitted = system.deliver(system.put(a_job(next=a_step(Step.START, runs=MAXIMUM_RUNS - 1))))
    assert submitted.next is not None
    assert submitted.next.runs == 0


class TestOutages:
    def test_a_claim_that_was_not_stored_does_not_count(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job())
        system.jobs.available = False
        with pytest.raises(Unavailable):
            system.deliver(message)
        assert runs_of(system, message.job_id) == 0

    @pytest.mark.parametrize("step", [Step.RENDER, Step.FINISH])
    def test_a_run_that_ends_while_the_store_is_unavailable_does_not_count(self, step: Step) -> None:
        system = InMemorySystem()
        message = system.put(JOBS[step]())
        system.store.available = False
        for _ in range(3 * MAXIMUM_RUNS):
            with pytest.raises(Unavailable):
                system.deliver(message)
            system.clock.advance(30)
        assert runs_of(system, message.job_id) == 0
        assert system.jobs.get(message.job_id).is_live

    def test_a_run_whose_secret_can_not_be_read_after_the_intent_does_not_count(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[Unavailable()]))
        message = system.put(a_job())
        with pytest.raises(Unavailable):
            system.deliver(message)
        assert runs_of(system, message.job_id) == 0
        assert system.jobs.get(message.job_id).status is JobStatus.PROCESSING

    def test_a_run_during_which_the_database_becomes_unavailable_counts_once(self) -> None:
        system = InMemorySystem()

        def start_outage(*_: object) -> None:
            system.jobs.available = False

        system.jobs.before_save = start_outage
        message = system.put(a_started_job())
        for _ in range(3 * MAXIMUM_RUNS):
            with pytest.raises(Unavailable):
                system.deliver(message)
            system.clock.advance(30)
        assert runs_of(system, message.job_id) == 1

    def test_a_run_that_was_taken_over_is_not_returned(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(Step.FINISH, output=an_output()))

        def take_over(_: StoredObject) -> int:
            taken = system.jobs.get(message.job_id)
            assert taken.next is not None
            system.jobs.claim(taken.id, taken.next.id, a_lease(90, "theirs"), system.clock.advance(30))
            raise Unavailable

        system.store.size = take_over  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            system.deliver(message)
        assert runs_of(system, message.job_id) == 2


def runs_of(system: InMemorySystem, job_id: str) -> int:
    step = next(job for job in system.jobs.all() if job.id == job_id).next
    assert step is not None
    return step.runs
