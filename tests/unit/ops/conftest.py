"""Fixtures for the operators' commands, with in-memory adapters."""

import sys

import pytest

from tests.unit.ops.ops_fixtures import Operator
from videojobs import bootstrap
from videojobs.domain.policy import StepPolicy
from videojobs.observability import logger
from videojobs_providers import factories


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    """Return an operator whose commands use in-memory adapters, with the log on the test's stderr."""
    operator = Operator(capsys)
    replaced = {
        "step_policy": StepPolicy,
        "clock": lambda: operator.clock,
        "job_repository": lambda: operator.jobs,
        "slot_repository": lambda: operator.slots,
        "circuit_repository": lambda: operator.circuits,
        "submission_repository": lambda: operator.submissions,
        "job_queue": lambda: operator.queue,
        "notifier": lambda: operator.notifier,
    }
    monkeypatch.setattr(factories, "allows_result", lambda _, link: link in operator.allowed_links)
    for name, factory in replaced.items():
        monkeypatch.setattr(bootstrap, name, factory)
    monkeypatch.setattr(logger.registered_handler, "stream", sys.stderr)  # monkeypatch restores the stream
    return operator
