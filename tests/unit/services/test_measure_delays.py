"""Measurement of how far the system is behind."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import START, a_job, a_started_job, a_step
from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.job import Announcement, Step
from videojobs.services.measure_delays import measure_delays


def test_delays_are_zero_when_no_job_waits() -> None:
    delays = measure_delays(jobs=InMemoryJobRepository(a_started_job(outbox=())), clock=VirtualClock())
    assert delays == {"outbox_seconds": 0, "oldest_queued_seconds": 0}


def test_the_oldest_entry_determines_each_delay() -> None:
    clock = VirtualClock()
    outbox = tuple(Announcement.of(1, START - timedelta(seconds=age)) for age in (90, 30))
    jobs = InMemoryJobRepository(
        a_started_job(outbox=outbox),
        a_job(
            outbox=(),
            created_at=START - timedelta(hours=2),
            updated_at=START - timedelta(seconds=300),
            next=a_step(Step.START, due_in_seconds=-300),
        ),
        a_job(outbox=()),
    )
    now = clock.now()
    expected = int((now - START).total_seconds())
    delays = measure_delays(jobs=jobs, clock=clock)
    assert delays == {"outbox_seconds": 90 + expected, "oldest_queued_seconds": 300 + expected}


def test_the_longest_waiting_of_several_resent_steps_determines_the_delay() -> None:
    old, older = (
        a_job(
            outbox=(),
            updated_at=START - timedelta(minutes=minutes),
            next=a_step(Step.START, due_in_seconds=seconds, resends=resends),
        )
        for minutes, seconds, resends in ((2, 60, 2), (20, 600, 5))
    )
    jobs = InMemoryJobRepository(old, a_job(outbox=()), older)
    assert measure_delays(jobs=jobs, clock=VirtualClock())["oldest_queued_seconds"] == 1_200


def test_a_job_that_waited_for_a_slot_counts_from_its_admission() -> None:
    waited = a_job(outbox=(), updated_at=START - timedelta(hours=1), next=a_step(Step.START, due_in_seconds=-5))
    assert measure_delays(jobs=InMemoryJobRepository(waited), clock=VirtualClock())["oldest_queued_seconds"] == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"next": a_step(Step.START, due_in_seconds=60, resends=3)},
        {"next": a_step(Step.START, due_in_seconds=60), "started_at": START - timedelta(minutes=9)},
        {"next": None},
    ],
    ids=["resent", "circuit open", "Express server"],
)
def test_a_job_that_is_not_started_counts_from_its_last_change(changes: dict[str, Any]) -> None:
    then = START - timedelta(minutes=10)
    stuck = a_job(outbox=(), created_at=then, updated_at=then, **changes)
    assert measure_delays(jobs=InMemoryJobRepository(stuck), clock=VirtualClock())["oldest_queued_seconds"] == 600
