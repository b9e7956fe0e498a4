"""Refuse new jobs while an operator has paused the intake."""

import logging
from collections.abc import Callable

from videojobs.domain.errors import SubmissionsPaused, Unavailable
from videojobs.ports.jobs import Clock, SubmissionRepository

logger = logging.getLogger(__name__)


def _find_none() -> None:
    return None


def check_submissions[T](
    find_earlier: Callable[[], T | None] = _find_none, *, submissions: SubmissionRepository, clock: Clock
) -> T | None:
    """None: go on. While the intake is paused only what was accepted before is given back, by `find_earlier`: a repeat
    under the idempotency key of a job that runs already asks for nothing new.

    A switch that can't be read is taken for open: it must not stop what it was not told to stop.

    Raises:
        SubmissionsPaused: nothing new is taken now.
    """
    try:
        found = submissions.read(clock.now())
    except Unavailable:
        logger.warning("Intake not known, taken for open", extra={"action": "submissions_unknown"}, exc_info=True)
        return None
    if not found.is_paused:
        return None
    if (earlier := find_earlier()) is None:
        raise SubmissionsPaused(found.retry_after_seconds)
    return earlier
