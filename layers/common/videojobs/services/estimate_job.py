"""Estimate a job's position in the queue, its remaining time, and when to poll again."""

from videojobs.domain.estimate import (
    FIRST_GUESS_SECONDS,
    LATEST_SECONDS,
    MOST_AHEAD,
    SOONEST_SECONDS,
    JobEstimate,
    round_up,
    timing_kind,
)
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.ports.jobs import Clock, JobRepository, TimingRepository


def estimate_job(job: VideoJob, *, jobs: JobRepository, timings: TimingRepository, clock: Clock) -> JobEstimate | None:
    """Return an approximate estimate for a live job, or None for an ended job. Counts the jobs ahead of a queued job.

    Raises:
        Unavailable: If MongoDB does not respond in time.
    """
    if job.status is JobStatus.QUEUED:
        usual = timings.usual_seconds(timing_kind(job))
        return JobEstimate(_ask_again(usual or FIRST_GUESS_SECONDS), 1 + jobs.count_ahead(job, MOST_AHEAD))
    return estimate_processing(job, timings=timings, clock=clock)


def estimate_processing(job: VideoJob, *, timings: TimingRepository, clock: Clock) -> JobEstimate | None:
    """Return an approximate estimate for a job in processing, or None for any other job. Reads no other jobs.

    Raises:
        Unavailable: If MongoDB does not respond in time.
    """
    if job.status is not JobStatus.PROCESSING:
        return None
    usual = timings.usual_seconds(timing_kind(job))
    if usual is None or job.started_at is None:
        return JobEstimate(_ask_again(FIRST_GUESS_SECONDS))
    left = max(usual - (clock.now() - job.started_at).total_seconds(), 1.0)
    return JobEstimate(_ask_again(left), eta_seconds=round_up(left))


def _ask_again(eta_seconds: float) -> int:
    return round(min(max(eta_seconds / 4, SOONEST_SECONDS), LATEST_SECONDS))
