"""The operators' commands, on ports that live in memory."""

import sys

import pytest

from tests.unit.ops.ops_fixtures import Operator
from videojobs import bootstrap
from videojobs.domain.policy import StepPolicy
from videojobs.observability import logger


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    """Nobody has done anything yet; the desk's log goes where the test can read it."""
    made = Operator(capsys)
    factories = {
        "step_policy": StepPolicy,
        "clock": lambda: made.clock,
        "job_repository": lambda: made.jobs,
        "slot_repository": lambda: made.slots,
        "circuit_repository": lambda: made.circuits,
        "submission_repository": lambda: made.submissions,
        "job_queue": lambda: made.queue,
        "notifier": lambda: made.notifier,
    }
    for name, factory in factories.items():
        monkeypatch.setattr(bootstrap, name, factory)
    monkeypatch.setattr(logger.registered_handler, "stream", sys.stderr)  # so that it is put back
    return made
