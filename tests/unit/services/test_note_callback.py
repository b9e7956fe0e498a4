"""A callback is a hint: it has the worker ask, where a job waits for just that task, and does nothing else ever."""

import pytest

from tests.builders import a_cancelled_job, a_job, a_started_job
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.queue import RecordingQueue
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.services.note_callback import note_callback


class World:
    """The jobs, and the queue on the way to the worker."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.jobs = InMemoryJobRepository(clock=VirtualClock())
        self.queue = RecordingQueue()

    def note(self, job_id: str, provider: str = "fal", task_id: str | None = "task-1") -> None:
        note_callback(job_id, provider=provider, task_id=task_id, jobs=self.jobs, queue=self.queue)

    def put(self, ref: str | None = "task-1", step: Step = Step.POLL, **fields: object) -> VideoJob:
        """A job of fal's."""
        task = ProviderTask("fal", START, ref)
        return self.jobs.put(a_started_job(step, **({"provider": task} | fields)))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("lane", Priority)
def test_the_worker_is_told_at_once_and_nothing_is_written(world: World, lane: Priority) -> None:
    job = world.put(priority=lane)
    world.note(job.id)
    [sent] = world.queue.sent
    assert job.next
    assert (sent.job_id, sent.step_id, sent.delay_seconds, sent.lane) == (job.id, job.next.id, 0, lane)
    assert world.jobs.find(job.id) == job


@pytest.mark.parametrize("ref", ["task-1", "fal-ai/some/model|task-1", "fal-ai/some/model/task-1", "model:task-1"])
def test_a_ref_may_hold_more_than_the_tasks_id(world: World, ref: str) -> None:
    world.note(world.put(ref).id)
    assert len(world.queue.sent) == 1


@pytest.mark.parametrize("ref", ["task-2", "task-11", "atask-1", "task-1|model", "", None])
def test_another_task_is_none_of_the_jobs(world: World, ref: str | None) -> None:
    world.note(world.put(ref).id)
    assert not world.queue.sent


@pytest.mark.parametrize("task_id", [None, "", "|", "1"])
def test_a_callback_about_no_task_is_none_of_any_jobs(world: World, task_id: str | None) -> None:
    world.note(world.put("model|").id, task_id=task_id)
    world.note(world.put().id, task_id=task_id)
    assert not world.queue.sent


def test_another_provider_is_none_of_the_jobs(world: World) -> None:
    world.note(world.put().id, provider="replicate")
    assert not world.queue.sent


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.POLL])
def test_a_job_that_does_not_wait_for_its_provider_is_left_alone(world: World, step: Step) -> None:
    world.note(world.put(step=step).id)
    assert not world.queue.sent


def test_an_ended_job_is_left_alone(world: World) -> None:
    for job in (world.put(status=JobStatus.COMPLETED, next=None), world.jobs.put(a_cancelled_job())):
        world.note(job.id)
    assert not world.queue.sent


def test_a_job_that_was_never_submitted_is_left_alone(world: World) -> None:
    world.note(world.jobs.put(a_job(next=a_started_job().next)).id)
    assert not world.queue.sent


@pytest.mark.parametrize("job_id", ["", "x", "0" * 24, "0" * 25, "\ud800", "$ne"])
def test_a_job_that_is_none_is_no_matter(world: World, job_id: str) -> None:
    world.note(job_id)
    assert not world.queue.sent


def test_an_id_may_be_written_in_capitals(world: World) -> None:
    world.note(world.put(id=JobId("665f1f77bcf86cd799439011")).id.upper())
    assert len(world.queue.sent) == 1


def test_a_repeat_only_asks_again_for_the_same_step(world: World) -> None:
    job = world.put()
    world.note(job.id)
    world.note(job.id)
    first, second = world.queue.sent
    assert first == second


def test_an_outage_is_told_so_that_the_provider_calls_again(world: World) -> None:
    job = world.put()
    world.queue.available = False
    with pytest.raises(Unavailable):
        world.note(job.id)
    world.queue.available, world.jobs.available = True, False
    with pytest.raises(Unavailable):
        world.note(job.id)
