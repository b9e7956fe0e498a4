"""Provider callbacks: a callback only resends the poll step of the job that waits for that provider task."""

from copy import replace
from datetime import timedelta

import pytest

from tests.builders import a_cancelled_job, a_job, a_started_job, a_step
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.queue import RecordingQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, JobStatus, Lease, ProviderTask, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.services.handle_callback import handle_callback


class SystemUnderTest:
    """The in-memory repository of jobs, and the recording queue."""

    def __init__(self) -> None:
        """Start with no jobs and an empty queue."""
        self.clock = VirtualClock()
        self.jobs = InMemoryJobRepository(clock=self.clock)
        self.queue = RecordingQueue()

    def handle(self, job_id: str, provider: str = "fal", task_id: str | None = "task-1") -> None:
        handle_callback(job_id, provider=provider, task_id=task_id, jobs=self.jobs, queue=self.queue, clock=self.clock)

    def put(self, ref: str | None = "task-1", step: Step = Step.POLL, **fields: object) -> VideoJob:
        """Store a started job whose provider is fal and whose step is due in a minute, and return it."""
        started = {"provider": ProviderTask("fal", START, ref), "next": a_step(step, due_in_seconds=60)}
        return self.jobs.put(a_started_job(**(started | fields)))


@pytest.fixture
def sut() -> SystemUnderTest:
    return SystemUnderTest()


@pytest.mark.parametrize("priority", Priority)
def test_a_callback_sends_the_step_at_once_and_stores_only_that_it_is_due(
    sut: SystemUnderTest, priority: Priority
) -> None:
    job = sut.put(priority=priority)
    sut.handle(job.id)
    [sent] = sut.queue.sent
    assert job.next
    assert (sent.job_id, sent.step_id, sent.delay_seconds, sent.lane) == (job.id, job.next.id, 0, priority)
    assert sut.jobs.find(job.id) == replace(job, next=replace(job.next, due_at=START))


@pytest.mark.parametrize("ref", ["task-1", "fal-ai/some/model|task-1", "fal-ai/some/model/task-1", "model:task-1"])
def test_a_callback_matches_a_ref_that_contains_more_than_the_task_id(sut: SystemUnderTest, ref: str) -> None:
    sut.handle(sut.put(ref).id)
    assert len(sut.queue.sent) == 1


@pytest.mark.parametrize("ref", ["task-2", "task-11", "atask-1", "task-1|model", "", None])
def test_a_callback_for_another_task_is_ignored(sut: SystemUnderTest, ref: str | None) -> None:
    sut.handle(sut.put(ref).id)
    assert not sut.queue.sent


@pytest.mark.parametrize("task_id", [None, "", "|", "1"])
def test_a_callback_without_a_valid_task_id_is_ignored(sut: SystemUnderTest, task_id: str | None) -> None:
    sut.handle(sut.put("model|").id, task_id=task_id)
    sut.handle(sut.put().id, task_id=task_id)
    assert not sut.queue.sent


def test_a_callback_of_another_provider_is_ignored(sut: SystemUnderTest) -> None:
    sut.handle(sut.put().id, provider="replicate")
    assert not sut.queue.sent


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.POLL])
def test_a_callback_is_ignored_at_every_step_except_poll(sut: SystemUnderTest, step: Step) -> None:
    sut.handle(sut.put(step=step).id)
    assert not sut.queue.sent


def test_a_callback_for_an_ended_job_is_ignored(sut: SystemUnderTest) -> None:
    for job in (sut.put(status=JobStatus.COMPLETED, next=None), sut.jobs.put(a_cancelled_job())):
        sut.handle(job.id)
    assert not sut.queue.sent


def test_a_callback_for_a_job_without_a_provider_task_is_ignored(sut: SystemUnderTest) -> None:
    sut.handle(sut.jobs.put(a_job(next=a_step(Step.POLL, due_in_seconds=60))).id)
    assert not sut.queue.sent


@pytest.mark.parametrize("job_id", ["", "x", "0" * 24, "0" * 25, "\ud800", "$ne"])
def test_a_callback_with_an_invalid_or_unknown_job_id_is_ignored(sut: SystemUnderTest, job_id: str) -> None:
    sut.handle(job_id)
    assert not sut.queue.sent


def test_a_job_id_in_capital_letters_is_accepted(sut: SystemUnderTest) -> None:
    sut.handle(sut.put(id=JobId("665f1f77bcf86cd799439011")).id.upper())
    assert len(sut.queue.sent) == 1


def test_a_repeated_callback_sends_no_further_message(sut: SystemUnderTest) -> None:
    job = sut.put()
    for _ in range(500):
        sut.handle(job.id)
    assert len(sut.queue.sent) == 1


@pytest.mark.parametrize(("due_in_seconds", "messages"), [(-60, 0), (0, 0), (0.001, 1)])
def test_a_callback_sends_a_message_only_if_the_poll_becomes_earlier(
    sut: SystemUnderTest, due_in_seconds: float, messages: int
) -> None:
    job = sut.put(next=a_step(Step.POLL, due_in_seconds))
    sut.handle(job.id)
    assert len(sut.queue.sent) == messages


def test_a_callback_after_an_inconclusive_poll_sends_the_next_poll(sut: SystemUnderTest) -> None:
    job = sut.put()
    sut.handle(job.id)
    sut.jobs.put(replace(job, next=a_step(Step.POLL, due_in_seconds=60)))
    sut.handle(job.id)
    assert len({sent.step_id for sent in sut.queue.sent}) == 2


def test_a_callback_does_not_change_a_step_that_a_worker_has_claimed(sut: SystemUnderTest) -> None:
    job = sut.put()
    claimed = replace(job, lease=Lease("worker", START + timedelta(seconds=25)))

    def claim_first(*_: VideoJob) -> None:
        sut.jobs.before_save = None
        sut.jobs.put(claimed)

    sut.jobs.before_save = claim_first
    sut.handle(job.id)
    assert sut.jobs.find(job.id) == claimed


def test_a_callback_fails_during_an_outage_so_that_the_provider_retries(sut: SystemUnderTest) -> None:
    job = sut.put()
    sut.queue.available = False
    with pytest.raises(Unavailable):
        sut.handle(job.id)
    sut.queue.available, sut.jobs.available = True, False
    with pytest.raises(Unavailable):
        sut.handle(job.id)
    sut.jobs.available = True
    sut.handle(job.id)
    assert len(sut.queue.sent) == 1
