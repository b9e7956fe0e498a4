"""Estimates for a job in progress: queue position, remaining time and when to poll again."""

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
    """Return the estimate that the owner of the job receives."""
    return estimate_job(job, jobs=system.jobs, timings=system.timings, clock=system.clock)


def a_system(usual_seconds: float) -> InMemorySystem:
    """Return a system in which jobs like those of the builders usually take `usual_seconds`."""
    return InMemorySystem(timings=InMemoryTimingRepository(**{timing_kind(a_job()): usual_seconds}))


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_job_has_no_estimate(status: JobStatus) -> None:
    assert estimate(InMemorySystem(), a_job(status=status, next=None)) is None


class TestQueued:
    def test_the_queue_position_counts_jobs_that_were_due_earlier(self) -> None:
        system = a_system(40)
        for seconds in (-3, -2, 5):
            system.jobs.put(a_job(next=a_step(due_in_seconds=seconds), user_id=ANOTHER_USER))
        system.jobs.put(a_started_job())
        assert estimate(system, system.jobs.put(a_job())) == JobEstimate(retry_after_seconds=10, queue_position=3)

    def test_the_position_of_a_waiting_job_counts_the_waiting_jobs_of_its_user(self) -> None:
        system = a_system(40)
        for seconds in range(2):
            system.jobs.put(a_waiting_job(seconds))
            system.jobs.put(a_waiting_job(seconds, user_id=ANOTHER_USER))
        prediction = estimate(system, system.jobs.put(a_waiting_job(2)))
        assert prediction is not None
        assert prediction.queue_position == 3

    def test_the_default_duration_is_used_while_no_timings_are_known(self) -> None:
        system = InMemorySystem()
        assert estimate(system, system.jobs.put(a_job())) == JobEstimate(round(FIRST_GUESS_SECONDS / 4), 1)


class TestProcessing:
    @pytest.mark.parametrize(
        ("usual", "elapsed", "ask", "left"),
        [(40, 0, 10, 40), (40, 21, 5, 20), (40, 39.9, 1, 1), (40, 90, 1, 1), (600, 0, LATEST_SECONDS, 600)],
        ids=["started", "half done", "nearly done", "longer than usual", "long job"],
    )
    def test_the_remaining_time_is_based_on_the_usual_duration(
        self, usual: float, elapsed: float, ask: int, left: int
    ) -> None:
        system = a_system(usual)
        system.clock.advance(elapsed)
        assert estimate(system, a_started_job()) == JobEstimate(ask, eta_seconds=left)

    @pytest.mark.parametrize(
        ("system", "job"),
        [(InMemorySystem(), a_started_job()), (a_system(40), a_started_job(started_at=None))],
        ids=["no timings", "no start"],
    )
    def test_no_remaining_time_is_reported_without_timings_or_start(
        self, system: InMemorySystem, job: VideoJob
    ) -> None:
        assert estimate(system, job) == JobEstimate(round(FIRST_GUESS_SECONDS / 4))


class TestTimings:
    def test_the_duration_of_a_completed_job_is_recorded(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(polls=[Generation(done=False, poll_after_seconds=7)]))
        job = system.submit()
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) == 12

    def test_the_duration_of_a_cancelled_job_is_not_recorded(self) -> None:
        system = InMemorySystem()
        job = system.submit()
        system.cancel(job.id)
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) is None

    def test_the_duration_of_a_job_without_a_start_is_not_recorded(self) -> None:
        system = InMemorySystem()
        message = system.put(a_started_job(started_at=None))
        assert system.deliver(message).status is JobStatus.COMPLETED
        assert system.timings.usual_seconds(timing_kind(a_job())) is None

    def test_a_job_completes_even_if_its_duration_cannot_be_recorded(self) -> None:
        system = InMemorySystem()
        system.timings.available = False
        message = system.put(a_started_job())
        assert system.deliver(message).status is JobStatus.COMPLETED

    def test_a_retried_job_is_timed_from_its_new_start(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_job(status=JobStatus.FAILED, next=None, started_at=START - timedelta(hours=1)))
        system.retry(job.id)
        system.run()
        assert system.timings.usual_seconds(timing_kind(job)) == 5
