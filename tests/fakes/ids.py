"""IDs in the format of MongoDB's drivers, which sort by creation time."""

from itertools import count
from uuid import uuid4

from videojobs.ports.jobs import Clock


class ObjectIds:
    """A source of unique IDs of 24 hexadecimal digits, with the time of the test's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._maker = uuid4().hex[:10]
        self._numbers = count(1)

    def make(self) -> str:
        """Return eight digits of the time in seconds, ten of the source and six of a counter."""
        return f"{int(self._clock.now().timestamp()):08x}{self._maker}{next(self._numbers):06x}"
