"""A change is told to everybody who listens, and nobody stands in another's way."""

import pytest

from tests.builders import a_job, an_id
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import Unavailable
from videojobs.ports.changes import Change
from videojobs.services.notify_change import notify_change


def _deaf(_: Change) -> None:
    raise Unavailable


def test_every_listener_hears_of_the_job_as_it_stands() -> None:
    job = a_job(version=7)
    first: list[Change] = []
    second: list[Change] = []
    notify_change("event-1", job.id, jobs=InMemoryJobRepository(job), listeners=[first.append, second.append])
    assert first == second == [Change("event-1", job)]


def test_a_listener_that_fails_holds_up_no_other_and_the_event_comes_again() -> None:
    job = a_job()
    heard: list[Change] = []
    with pytest.raises(Unavailable):
        notify_change("event-1", job.id, jobs=InMemoryJobRepository(job), listeners=[_deaf, heard.append])
    assert heard == [Change("event-1", job)]


def test_nobody_hears_of_a_job_that_is_gone() -> None:
    heard: list[Change] = []
    notify_change("event-1", an_id(), jobs=InMemoryJobRepository(), listeners=[heard.append])
    assert heard == []


def test_without_a_database_the_event_comes_again() -> None:
    jobs = InMemoryJobRepository()
    jobs.available = False
    with pytest.raises(Unavailable):
        notify_change("event-1", an_id(), jobs=jobs, listeners=[])
