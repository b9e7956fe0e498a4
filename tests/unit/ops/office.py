"""An operator at a desk, with everything behind it in memory."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import InMemoryCloud
from tests.fakes.intake import InMemoryIntakeRepository
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.queue import RecordingQueue
from tests.fakes.shares import InMemoryShareRepository
from videojobs.ops.cli import main
from videojobs.ops.desk import Desk


@dataclass
class Office:
    """Give it a command's words; `out` and `errors` hold what was said since."""

    capture: pytest.CaptureFixture[str]
    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    shares: InMemoryShareRepository = field(default_factory=InMemoryShareRepository)
    circuits: InMemoryCircuitRepository = field(default_factory=InMemoryCircuitRepository)
    intake: InMemoryIntakeRepository = field(default_factory=InMemoryIntakeRepository)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    cloud: InMemoryCloud = field(default_factory=InMemoryCloud)
    out: str = ""
    errors: str = ""

    def run(self, *words: str) -> int:
        """One command; its exit code."""
        code = main(words, lambda _: Desk("videojobs-test", self.cloud))
        self.out, self.errors = self.capture.readouterr()
        return code

    def audit(self) -> list[dict[str, Any]]:
        """The audit's lines of the last command."""
        records = [json.loads(line) for line in self.errors.splitlines() if line.startswith("{")]
        return [record for record in records if record["message"] == "Operator's command"]


class Terminal(io.StringIO):
    """A stdin at which somebody sits and types."""

    def isatty(self) -> bool:
        return True
