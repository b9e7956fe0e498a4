"""Refuse new jobs while an operator has paused submissions."""

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
    """Raise `SubmissionsPaused` while submissions are paused, unless `find_earlier` finds an accepted request.

    If the state can't be read, submissions count as open.

    Args:
        find_earlier: Returns the job or batch stored under the request's idempotency key, or None. Called only while
            submissions are paused; its errors are not caught.
        submissions: The repository of the state of submissions.
        clock: The source of the current time.

    Returns:
        None if the request should be processed, else the earlier job or batch, to be returned to the caller.

    Raises:
        SubmissionsPaused: If submissions are paused and the request is new.
    """
    try:
        state = submissions.read(clock.now())
    except Unavailable:
        extra = {"action": "submissions_unknown"}
        logger.warning("Submission state unavailable; accepting jobs", extra=extra, exc_info=True)
        return None
    if not state.is_paused:
        return None
    if (earlier := find_earlier()) is None:
        raise SubmissionsPaused(state.retry_after_seconds)
    return earlier
