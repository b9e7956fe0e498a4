"""Regression tests for bugs that the model tests (tests/model) found, each reduced to its shortest form."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.builders import a_job, a_started_job, a_step
from tests.fakes.clock import START
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.provider import ScriptedProvider
from tests.fakes.renderer import ScriptedRenderer
from tests.system import InMemorySystem
from videojobs.domain import deadlines
from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobStatus, NextStep, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.videos import Generation, Submission, UnknownSubmit

POLICY = StepPolicy(deadline=timedelta(minutes=10))
BUSY = ProviderError(FailureCode.RATE_LIMITED, "Later.", transient=True)
DEADLINE = START + POLICY.deadline


def next_of(job: VideoJob) -> NextStep:
    """Return the next step of a live job."""
    assert job.next is not None
    return job.next


class TestPausesEndAtTheDeadline:
    def test_a_poll_is_due_at_the_deadline_if_the_provider_asks_for_a_longer_pause(self) -> None:
        system = InMemorySystem(policy=POLICY)
        system.provider.polls = [Generation(done=False, progress=0.1, poll_after_seconds=7200)]
        after = system.deliver(system.put(a_started_job(Step.POLL)))
        assert next_of(after).due_at == DEADLINE

    def test_a_job_waits_for_an_open_circuit_no_longer_than_its_deadline(self) -> None:
        system = InMemorySystem(policy=POLICY)
        system.circuits.save(Circuit("scripted"), Circuit("scripted", 9, 9, START + timedelta(minutes=20), 1))
        after = system.deliver(system.put(a_job()))
        assert next_of(after).due_at == DEADLINE

    def test_a_step_that_was_resent_often_is_due_at_the_deadline_at_the_latest(self) -> None:
        system = InMemorySystem(policy=POLICY)
        job = a_started_job(Step.POLL, next=a_step(Step.POLL, resends=9))
        system.put(job)
        system.clock.advance(minutes=6)
        system.sweep()
        assert next_of(system.jobs.get(job.id)).due_at == DEADLINE

    def test_a_pause_that_ends_before_the_deadline_is_not_changed(self) -> None:
        job = a_started_job(Step.POLL, next=a_step(Step.POLL, due_in_seconds=60))
        assert deadlines.cap_to_deadline(job, POLICY) == job

    @pytest.mark.parametrize("job", [a_job(next=None), a_job(next=a_step(Step.START, due_in_seconds=7200))])
    def test_a_job_without_a_deadline_or_a_step_is_not_changed(self, job: VideoJob) -> None:
        assert deadlines.cap_to_deadline(job, POLICY) == job


class ForgetfulRepository(InMemoryJobRepository):
    """A repository that loses the response to the n-th save; `lands` determines whether it is written."""

    def __init__(self, save: int, *, lands: bool) -> None:
        super().__init__()
        self._left, self._lands = save, lands
        self.states: list[VideoJob] = []

    def put(self, job: VideoJob) -> VideoJob:
        """Record the state, and store it."""
        self.states.append(job)
        return super().put(job)

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """See `ports.JobRepository`."""
        self._left -= 1
        landed = super().save(before, after) if self._left or self._lands else True
        if not self._left:
            raise Unavailable
        return landed


@pytest.mark.parametrize("lands", [True, False])
@pytest.mark.parametrize("save", [1, 2, 5])
def test_a_version_stands_for_one_state_even_if_the_response_to_a_save_was_lost(save: int, *, lands: bool) -> None:
    jobs = ForgetfulRepository(save, lands=lands)
    system = InMemorySystem(jobs=jobs)
    system.renderer = ScriptedRenderer(at_report=lambda _: system.clock.advance(2) and None)
    job = a_started_job(Step.RENDER, progress=0.0)
    system.deliver(system.put(job))
    system.run()
    system.clock.advance(minutes=1)
    system.sweep()
    assert jobs.get(job.id).status is JobStatus.COMPLETED
    visible_states = {(state.version, state.status, state.progress, state.video_url) for state in jobs.states}
    announced = {(announcement.version, announcement.id) for _, announcement in system.notifier.published}
    assert max(Counter(version for version, *_ in visible_states).values()) == 1
    assert max(Counter(version for version, _ in announced).values()) == 1


class TestUnavailableCircuits:
    @pytest.mark.parametrize("policy", list(UnknownSubmit))
    def test_a_submitted_task_is_stored_even_if_its_circuit_cannot_be_closed(self, policy: UnknownSubmit) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=policy))
        system.circuits.save(Circuit("scripted"), Circuit("scripted", failures=1, version=1))
        system.provider.submits = [lambda: self._break_circuits(system)]
        job = a_job()
        system.deliver(system.put(job))
        provider = system.jobs.get(job.id).provider
        assert provider is not None
        assert provider.ref == "task-1"

    @pytest.mark.parametrize(
        "error", [ProviderUnreachable(), ProviderError(FailureCode.RATE_LIMITED, "", transient=True)]
    )
    def test_a_failure_is_stored_even_if_the_circuit_cannot_count_it(self, error: ProviderError) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[lambda: self._break_circuits(system, error)]))
        job = a_job()
        after = system.deliver(system.put(job))
        assert next_of(after).step is Step.START
        assert after.lease is None
        assert system.queue.sent

    @staticmethod
    def _break_circuits(system: InMemorySystem, error: ProviderError | None = None) -> object:
        system.circuits.available = False
        if error is not None:
            raise error
        return Submission("task-1", poll_after_seconds=5)
