"""A thousand random histories, checked against the invariants. Hypothesis shrinks a failing one."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import VideoJobsMachine

HISTORIES = 1000
"""Histories of up to thirty events each. They take half a minute; `make chaos` runs more."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_job_ends_once_truthfully_and_is_paid_for_once() -> None:
    histories = settings(
        max_examples=HISTORIES,
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(VideoJobsMachine, settings=histories)
