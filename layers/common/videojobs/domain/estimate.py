"""Estimates for live jobs: the position in the queue, the remaining time, and when to poll again."""

from math import ceil
from typing import NamedTuple

from videojobs.domain.job import VideoJob
from videojobs.domain.request import NewJob

FIRST_GUESS_SECONDS = 20.0
"""Assumed duration of a job while no duration of a similar job is recorded."""
SOONEST_SECONDS, LATEST_SECONDS = 1, 15
"""Bounds of the polling interval, which is a quarter of the remaining time."""
MOST_AHEAD = 1000
"""Limit for counting the jobs ahead of a job; a more exact position is not useful."""


class JobEstimate(NamedTuple):
    """Estimate for a live job; all values are approximate.

    `retry_after_seconds`: when to poll again. `queue_position`: counted from 1, None for a job that is not queued.
    `eta_seconds`: the remaining time, rounded by `round_up`, None if it is not known.
    """

    retry_after_seconds: int
    queue_position: int | None = None
    eta_seconds: int | None = None


def timing_kind(job: NewJob | VideoJob) -> str:
    """Return the key under which the durations of similar jobs are recorded, `style:length`.

    The length is the first of 5, 10, 20, 40 and 60 seconds that is not shorter than the video, else 60.
    """
    lengths = (5, 10, 20, 40, 60)
    duration = job.duration if isinstance(job.duration, int | float) else lengths[-1]
    length = next((length for length in lengths if duration <= length), lengths[-1])
    return f"{job.style}:{length}"


def round_up(seconds: float) -> int:
    """Return the seconds rounded up, at least 1: multiples of 1 up to 10, of 5 up to 60, and of 15 above.

    Coarse values are easy to read and stay the same in successive polls.
    """
    step = 1 if seconds <= 10 else 5 if seconds <= 60 else 15
    return max(ceil(seconds / step) * step, 1)
