"""An operator whose commands run against in-memory adapters."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.cli import main
from ops.commands import Commands
from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import InMemoryCloud
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.queue import RecordingQueue
from tests.fakes.slots import InMemorySlotRepository
from tests.fakes.submissions import InMemorySubmissionRepository


@dataclass
class Operator:
    """Runs commands; `out` and `errors` hold the output of the last command."""

    capture: pytest.CaptureFixture[str]
    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    slots: InMemorySlotRepository = field(default_factory=InMemorySlotRepository)
    circuits: InMemoryCircuitRepository = field(default_factory=InMemoryCircuitRepository)
    submissions: InMemorySubmissionRepository = field(default_factory=InMemorySubmissionRepository)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    cloud: InMemoryCloud = field(default_factory=InMemoryCloud)
    allowed_links: list[str] = field(default_factory=list)
    """The links that the options of the providers allow."""
    out: str = ""
    errors: str = ""

    def run(self, *arguments: str) -> int:
        """Run one command and return its exit code."""
        code = main(arguments, lambda _: Commands("videojobs-test", self.cloud))
        self.out, self.errors = self.capture.readouterr()
        return code

    def audit(self) -> list[dict[str, Any]]:
        """Return the audit log records of the last command."""
        records = [json.loads(line) for line in self.errors.splitlines() if line.startswith("{")]
        return [record for record in records if record["message"] == "Operator's command"]


class Terminal(io.StringIO):
    """A stdin that reports that it is a terminal."""

    def isatty(self) -> bool:
        return True
