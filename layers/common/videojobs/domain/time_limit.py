"""Time limit of the current call, which lets a handler respond before Lambda ends the function.

A handler sets the limit from Lambda's context. The adapters of MongoDB and of AWS shorten their timeouts to the time
that is left. Without a limit, for example in the worker, they use their own timeouts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from videojobs.domain.errors import Unavailable

RESPONSE_SECONDS = 1.0
"""The time that is kept to build, log and send the response after the last operation."""
REPORT_SECONDS = 3.0
"""The time that is kept where an error must still be sent to the client with a request to AWS."""

_seconds_left: ContextVar[Callable[[], float] | None] = ContextVar("seconds_left", default=None)


@contextmanager
def time_limit(remaining_ms: Callable[[], int], *, kept_seconds: float = RESPONSE_SECONDS) -> Iterator[None]:
    """Make operations within a block end `kept_seconds` before Lambda ends the function.

    `remaining_ms` is `get_remaining_time_in_millis` of Lambda's context. Threads that start in the block do not inherit
    the limit.
    """
    before = _seconds_left.set(lambda: remaining_ms() / 1000 - kept_seconds)
    try:
        yield
    finally:
        _seconds_left.reset(before)


def seconds_left() -> float | None:
    """Return how long the next operation can take, in seconds (above 0), or None without a limit.

    Raises:
        Unavailable: If the limit is reached. The operation must not start.
    """
    measure = _seconds_left.get()
    if measure is None:
        return None
    seconds = measure()
    if seconds <= 0:
        raise Unavailable from TimeoutError("the time limit of the call is reached")
    return seconds
