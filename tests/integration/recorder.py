"""Recorder of the commands that MongoDB's driver sends, for clients that are created after its import."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pymongo.monitoring


class Recorder(pymongo.monitoring.CommandListener):
    """Recorder of the commands that clients send within a block of `listening`."""

    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any]] | None = None

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if self.heard is not None:
            self.heard.append(dict(event.command))

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        """Ignore the event."""

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        """Ignore the event."""

    @contextmanager
    def listening(self) -> Iterator[list[Mapping[str, Any]]]:
        """Yield a list to which the commands of the block are added."""
        self.heard = heard = []
        yield heard
        self.heard = None


RECORDER = Recorder()
pymongo.monitoring.register(RECORDER)
