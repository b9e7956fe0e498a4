"""Notification of changes: every listener receives each change, and a failing listener does not block the others."""

import pytest

from tests.builders import a_job, an_id
from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import Unavailable
from videojobs.ports.changes import Change
from videojobs.services.notify_change import notify_change


def _fail(_: Change) -> None:
    raise Unavailable


def test_every_listener_receives_the_current_job() -> None:
    job = a_job(version=7)
    first: list[Change] = []
    second: list[Change] = []
    notify_change(
        "event-1",
        job.id,
        jobs=InMemoryJobRepository(job),
        clock=VirtualClock(),
        listeners=[first.append, second.append],
    )
    assert first == second == [Change("event-1", job)]


def test_a_failing_listener_does_not_block_the_others_and_the_event_is_retried() -> None:
    job = a_job()
    received: list[Change] = []
    with pytest.raises(Unavailable):
        notify_change(
            "event-1", job.id, jobs=InMemoryJobRepository(job), clock=VirtualClock(), listeners=[_fail, received.append]
        )
    assert received == [Change("event-1", job)]


def test_no_listener_is_called_for_a_deleted_job() -> None:
    received: list[Change] = []
    notify_change("event-1", an_id(), jobs=InMemoryJobRepository(), clock=VirtualClock(), listeners=[received.append])
    assert received == []


def test_the_event_is_retried_when_the_database_is_unavailable() -> None:
    jobs = InMemoryJobRepository()
    jobs.available = False
    with pytest.raises(Unavailable):
        notify_change("event-1", an_id(), jobs=jobs, clock=VirtualClock(), listeners=[])
