"""The operators' commands, on ports that live in memory."""

import sys

import pytest

from tests.unit.ops.office import Office
from videojobs import bootstrap
from videojobs.domain.policy import StepPolicy
from videojobs.observability import logger


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    """Nobody has done anything yet; the desk's log goes where the test can read it."""
    made = Office(capsys)
    factories = {
        "step_policy": StepPolicy,
        "clock": lambda: made.clock,
        "job_repository": lambda: made.jobs,
        "share_repository": lambda: made.shares,
        "circuit_repository": lambda: made.circuits,
        "intake_repository": lambda: made.intake,
        "job_queue": lambda: made.queue,
        "notifier": lambda: made.notifier,
    }
    for name, factory in factories.items():
        monkeypatch.setattr(bootstrap, name, factory)
    monkeypatch.setattr(logger.registered_handler, "stream", sys.stderr)  # so that it is put back
    return made
