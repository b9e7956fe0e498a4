"""Ids as MongoDB's drivers make them: the second in front, a count behind, so that they sort by when they were made."""

from itertools import count
from uuid import uuid4

from videojobs.ports.jobs import Clock


class ObjectIds:
    """Makes ids of 24 hex digits that nobody else makes, by the test's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._maker = uuid4().hex[:10]
        self._numbers = count(1)

    def make(self) -> str:
        """Eight digits of time, ten of who made it, six of which one it is."""
        return f"{int(self._clock.now().timestamp()):08x}{self._maker}{next(self._numbers):06x}"
