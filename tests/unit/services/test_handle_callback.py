"""A callback is a hint: it has the worker ask, where a job waits for just that task, and does nothing else ever."""

import pytest

from tests.builders import a_cancelled_job, a_job, a_started_job
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.queue import RecordingQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.services.handle_callback import handle_callback


class SystemUnderTest:
    """The jobs, and the queue on the way to the worker."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.jobs = InMemoryJobRepository(clock=VirtualClock())
        self.queue = RecordingQueue()

    def note(self, job_id: str, provider: str = "fal", task_id: str | None = "task-1") -> None:
        handle_callback(job_id, provider=provider, task_id=task_id, jobs=self.jobs, queue=self.queue)

    def put(self, ref: str | None = "task-1", step: Step = Step.POLL, **fields: object) -> VideoJob:
        """A job of fal's."""
        task = ProviderTask("fal", START, ref)
        return self.jobs.put(a_started_job(step, **({"provider": task} | fields)))


@pytest.fixture
def sut() -> SystemUnderTest:
    return SystemUnderTest()


@pytest.mark.parametrize("lane", Priority)
def test_the_worker_is_told_at_once_and_nothing_is_written(sut: SystemUnderTest, lane: Priority) -> None:
    job = sut.put(priority=lane)
    sut.note(job.id)
    [sent] = sut.queue.sent
    assert job.next
    assert (sent.job_id, sent.step_id, sent.delay_seconds, sent.lane) == (job.id, job.next.id, 0, lane)
    assert sut.jobs.find(job.id) == job


@pytest.mark.parametrize("ref", ["task-1", "fal-ai/some/model|task-1", "fal-ai/some/model/task-1", "model:task-1"])
def test_a_ref_may_hold_more_than_the_tasks_id(sut: SystemUnderTest, ref: str) -> None:
    sut.note(sut.put(ref).id)
    assert len(sut.queue.sent) == 1


@pytest.mark.parametrize("ref", ["task-2", "task-11", "atask-1", "task-1|model", "", None])
def test_another_task_is_none_of_the_jobs(sut: SystemUnderTest, ref: str | None) -> None:
    sut.note(sut.put(ref).id)
    assert not sut.queue.sent


@pytest.mark.parametrize("task_id", [None, "", "|", "1"])
def test_a_callback_about_no_task_is_none_of_any_jobs(sut: SystemUnderTest, task_id: str | None) -> None:
    sut.note(sut.put("model|").id, task_id=task_id)
    sut.note(sut.put().id, task_id=task_id)
    assert not sut.queue.sent


def test_another_provider_is_none_of_the_jobs(sut: SystemUnderTest) -> None:
    sut.note(sut.put().id, provider="replicate")
    assert not sut.queue.sent


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.POLL])
def test_a_job_that_does_not_wait_for_its_provider_is_left_alone(sut: SystemUnderTest, step: Step) -> None:
    sut.note(sut.put(step=step).id)
    assert not sut.queue.sent


def test_an_ended_job_is_left_alone(sut: SystemUnderTest) -> None:
    for job in (sut.put(status=JobStatus.COMPLETED, next=None), sut.jobs.put(a_cancelled_job())):
        sut.note(job.id)
    assert not sut.queue.sent


def test_a_job_that_was_never_submitted_is_left_alone(sut: SystemUnderTest) -> None:
    sut.note(sut.jobs.put(a_job(next=a_started_job().next)).id)
    assert not sut.queue.sent


@pytest.mark.parametrize("job_id", ["", "x", "0" * 24, "0" * 25, "\ud800", "$ne"])
def test_a_job_that_is_none_is_no_matter(sut: SystemUnderTest, job_id: str) -> None:
    sut.note(job_id)
    assert not sut.queue.sent


def test_an_id_may_be_written_in_capitals(sut: SystemUnderTest) -> None:
    sut.note(sut.put(id=JobId("665f1f77bcf86cd799439011")).id.upper())
    assert len(sut.queue.sent) == 1


def test_a_repeat_only_asks_again_for_the_same_step(sut: SystemUnderTest) -> None:
    job = sut.put()
    sut.note(job.id)
    sut.note(job.id)
    first, second = sut.queue.sent
    assert first == second


def test_an_outage_is_told_so_that_the_provider_calls_again(sut: SystemUnderTest) -> None:
    job = sut.put()
    sut.queue.available = False
    with pytest.raises(Unavailable):
        sut.note(job.id)
    sut.queue.available, sut.jobs.available = True, False
    with pytest.raises(Unavailable):
        sut.note(job.id)
