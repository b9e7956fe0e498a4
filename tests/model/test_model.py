"""A thousand stories, told at random and held against the invariants; a failing one is shrunk to what matters."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import VideoJobsMachine

STORIES = 1000
"""Of up to thirty events each, in half a minute; `make chaos` tells more."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_job_ends_once_truthfully_and_is_paid_for_once_whatever_happens() -> None:
    stories = settings(
        max_examples=STORIES,
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(VideoJobsMachine, settings=stories)
