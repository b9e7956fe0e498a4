"""What can be said of a job's future: how many are before it, how long it will take, when to ask again."""

from dataclasses import dataclass
from math import ceil

from videojobs.domain.job import VideoJob

FIRST_GUESS_SECONDS = 20.0
"""How long a job is taken to last while nothing is known of jobs like it."""
SOONEST_SECONDS, LATEST_SECONDS = 1, 15
"""Between these lies when to ask again: a quarter of the time that is left."""
MOST_AHEAD = 1000
"""Jobs ahead are counted no further: nobody cares whether it is the 1,001st."""


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """`queue_position` from 1, about; `eta_seconds` rounded up, coarser the more it is; None where unknown."""

    retry_after_seconds: int
    queue_position: int | None = None
    eta_seconds: int | None = None


def timing_kind(job: VideoJob) -> str:
    """The jobs that take about as long as this one: those of its style whose videos are about as long."""
    lengths = (5, 10, 20, 40, 60)
    duration = job.duration if isinstance(job.duration, int | float) else lengths[-1]
    length = next((length for length in lengths if duration <= length), lengths[-1])
    return f"{job.style}:{length}"


def round_up(seconds: float) -> int:
    """Whole seconds to 10, then fives to 60, then quarters of a minute: what a person says, and polls see unchanged."""
    step = 1 if seconds <= 10 else 5 if seconds <= 60 else 15
    return max(ceil(seconds / step) * step, 1)
