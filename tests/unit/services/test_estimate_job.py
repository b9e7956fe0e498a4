"""What is told to somebody who waits."""

from datetime import timedelta

import pytest

from tests.builders import ANOTHER_USER, a_job, a_started_job, a_step, a_waiting_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.fakes.timings import InMemoryTimingRepository
from tests.system import InMemorySystem
from videojobs.domain.estimate import FIRST_GUESS_SECONDS, LATEST_SECONDS, JobEstimate, timing_kind
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.ports.videos import Generation
from videojobs.services.estimate_job import estimate_job


def estimate(system: InMemorySystem, job: VideoJob) -> JobEstimate | None:
    """What the owner of that job is told."""
    return estimate_job(job, jobs=system.jobs, timings=system.timings, clock=system.clock)


def a_system(usual_seconds: float) -> InMemorySystem:
    """A system in which jobs like the builders' usually take so long."""
    return InMemorySystem(timings=InMemoryTimingRepository(**{timing_kind(a_job()): usual_seconds}))


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_job_has_no_future(status: JobStatus) -> None:
    assert estimate(InMemorySystem(), a_job(status=status, next=None)) is None


class TestQueued:
    def test_its_position_counts_those_that_were_due_earlier(self) -> None:
        system = a_system(40)
        for seconds in (-3, -2, 5):
            system.jobs.put(a_job(next=a_step(due_in_seconds=seconds), user_id=ANOTHER_USER))
        system.jobs.put(a_started_job())
        assert estimate(system, system.jobs.put(a_job())) == JobEstimate(retry_after_seconds=10, queue_position=3)

    def test_the_position_of_one_that_waits_counts_its_users_own(self) -> None:
        system = a_system(40)
        for seconds in range(2):
            system.jobs.put(a_waiting_job(seconds))
            system.jobs.put(a_waiting_job(seconds, user_id=ANOTHER_USER))
        told = estimate(system, system.jobs.put(a_waiting_job(2)))
        assert told is not None
        assert told.queue_position == 3

    def test_while_nothing_is_known_of_such_jobs_it_is_guessed_when_to_ask(self) -> None:
        system = InMemorySystem()
        assert estimate(system, system.jobs.put(a_job())) == JobEstimate(round(FIRST_GUESS_SECONDS / 4), 1)


class TestProcessing:
    @pytest.mark.parametrize(
        ("usual", "elapsed", "ask", "left"),
        [(40, 0, 10, 40), (40, 21, 5, 20), (40, 39.9, 1, 1), (40, 90, 1, 1), (600, 0, LATEST_SECONDS, 600)],
        ids=["begun", "half way", "nearly", "longer than usual", "far away"],
    )
    def test_the_time_that_is_left_is_what_such_jobs_usually_take(
        self, usual: float, elapsed: float, ask: int, left: int
    ) -> None:
        system = a_system(usual)
        system.clock.advance(elapsed)
        assert estimate(system, a_started_job()) == JobEstimate(ask, eta_seconds=left)

    @pytest.mark.parametrize(
        ("system", "job"),
        [(InMemorySystem(), a_started_job()), (a_system(40), a_started_job(started_at=None))],
        ids=["nothing is known of such jobs", "nor when it began"],
    )
    def test_what_is_not_known_is_not_told(self, system: InMemorySystem, job: VideoJob) -> None:
        assert estimate(system, job) == JobEstimate(round(FIRST_GUESS_SECONDS / 4))


class TestTimings:
    def test_how_long_a_completed_job_took_is_remembered(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(polls=[Generation(done=False, poll_after_seconds=7)]))
        job = system.submit()
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) == 12

    def test_a_job_that_came_to_no_end_of_its_own_is_not(self) -> None:
        system = InMemorySystem()
        job = system.submit()
        system.cancel(job.id)
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) is None

    def test_a_job_without_a_start_is_not(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(started_at=None))
        assert system.deliver(message).status is JobStatus.COMPLETED
        assert system.timings.usual_seconds(timing_kind(a_job())) is None

    def test_a_job_is_done_although_its_time_can_not_be_remembered(self) -> None:
        system = InMemorySystem()
        system.timings.available = False
        message = system.put(a_started_job())
        assert system.deliver(message).status is JobStatus.COMPLETED

    def test_a_retry_counts_from_its_own_start(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_job(status=JobStatus.FAILED, next=None, started_at=START - timedelta(hours=1)))
        system.retry(job.id)
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) == 5
