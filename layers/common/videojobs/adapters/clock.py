"""Clock of the operating system."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from threading import Event, Thread


class SystemClock:
    """Clock that returns UTC in whole milliseconds, the precision of MongoDB. Implements `ports.Clock`."""

    def now(self) -> datetime:
        """Return the current time as an aware UTC datetime, truncated to milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    @contextmanager
    def every(self, interval: timedelta, action: Callable[[], bool]) -> Iterator[None]:
        """Call `action` in a thread whenever `interval` has passed, until it returns False or the context ends.

        The thread inherits the context variables, so that its log lines have the trace of the caller.
        """
        ended = Event()

        def repeat() -> None:
            while not ended.wait(interval.total_seconds()) and action():
                pass

        thread = Thread(target=copy_context().run, args=(repeat,), name="every", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
