"""Erasure of all jobs of a user: in pages, with a time limit, and completed after failures."""

from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_cancelled_job, a_job, a_new_job, a_started_job, a_waiting_job
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, VideoJob, object_keys
from videojobs.domain.request import Priority
from videojobs.ports.erasures import Erasure, MalformedJob
from videojobs.services.erase_videos import PAGE, erase_videos


def continue_erasures(system: InMemorySystem, seconds: float = 10) -> list[bool]:
    """Continue every unfinished erasure, as the reconciler does; return whether each one is done."""
    until = system.clock.now() + timedelta(seconds=seconds)
    erasures = list(system.erasures.find_all(10))
    ports = {"batches": system.batches, "erasures": system.erasures, "store": system.store}
    return [erase_videos(Erasure(*erasure), until=until, dispatcher=system.dispatcher, **ports) for erasure in erasures]  # type: ignore[arg-type]


def test_an_erasure_removes_everything_of_the_user_and_nothing_of_other_users() -> None:
    system = InMemorySystem()
    foreign_job = system.submit(user_id=ANOTHER_USER)
    done = system.jobs.put(a_job(status=JobStatus.COMPLETED, next=None))
    system.store.objects |= dict.fromkeys((*done.object_keys, *foreign_job.object_keys), b"bytes")
    system.submit_batch([a_new_job()] * 3)
    assert system.erase()
    assert system.jobs.all() == [foreign_job]
    assert system.batches.all() == []
    assert set(system.store.objects) == set(foreign_job.object_keys)
    assert list(system.erasures.find_all(1)) == []
    user_slots = system.slots.get(A_USER)
    assert user_slots is not None
    assert user_slots.active == ()


def test_malformed_jobs_are_removed_with_the_objects_of_their_attempts_and_their_slots() -> None:
    system = InMemorySystem()
    job = a_job(priority=Priority.NORMAL)
    system.slots.acquire(A_USER, Priority.NORMAL, [job.id], START)
    keys = object_keys(job.id, 2)
    system.store.objects |= dict.fromkeys(keys, b"bytes")
    system.jobs.malformed = {"1": MalformedJob("1", job.id, attempts=2), "2": MalformedJob("2", None, attempts=0)}
    assert system.erase()
    assert (system.jobs.malformed, system.store.objects) == ({}, {})
    user_slots = system.slots.get(A_USER)
    assert user_slots is not None
    assert user_slots.active == ()


def test_a_running_job_is_cancelled_cleaned_up_and_removed() -> None:
    system = InMemorySystem()
    system.put(a_started_job())
    assert not system.erase()
    [hidden] = system.jobs.all()
    assert not hidden.is_shown(system.clock.now())
    system.run()
    assert (system.jobs.all(), system.provider.cancelled) == ([], ["task-1"])
    assert continue_erasures(system) == [True]


def test_waiting_jobs_and_jobs_before_their_clean_up_are_removed() -> None:
    system = InMemorySystem()
    system.jobs.put(a_waiting_job())
    message = system.put(a_cancelled_job())
    assert not system.erase()
    system.hand_out(message)
    assert system.jobs.all() == []


def test_an_erasure_without_jobs_is_done_at_once() -> None:
    system = InMemorySystem()
    assert system.erase()
    assert list(system.erasures.find_all(1)) == []


def test_an_erasure_removes_all_pages_of_jobs() -> None:
    system = InMemorySystem()
    for number in range(2 * PAGE + 1):
        system.jobs.put(a_job(status=JobStatus.FAILED, next=None, created_at=START - timedelta(seconds=number)))
    assert system.erase()
    assert system.jobs.all() == []


def test_an_erasure_that_runs_out_of_time_is_continued_by_the_reconciler() -> None:
    system = InMemorySystem()
    for _ in range(PAGE + 1):
        system.jobs.put(a_job(status=JobStatus.FAILED, next=None))
    real_remove = system.store.remove

    def remove_slowly(keys: tuple[str, ...]) -> None:
        system.clock.advance(1)
        real_remove(keys)

    system.store.remove = remove_slowly  # type: ignore[method-assign, assignment]
    assert not system.erase(seconds=10)
    assert len(system.jobs.all()) == 1
    assert continue_erasures(system) == [True]
    assert (system.jobs.all(), continue_erasures(system)) == ([], [])


def test_a_job_submitted_after_the_request_is_kept() -> None:
    system = InMemorySystem()
    system.jobs.put(a_job(status=JobStatus.FAILED, next=None))
    system.store.available = False
    with pytest.raises(Unavailable):
        system.erase()
    system.store.available = True
    system.clock.advance(1)
    later = system.submit()
    assert continue_erasures(system) == [True]
    system.run()
    system.clock.advance(minutes=1)
    system.sweep()
    system.run()
    assert system.jobs.all() == [system.jobs.get(later.id)]


@pytest.mark.parametrize("breaks", ["jobs", "store", "batches"])
def test_an_erasure_that_fails_is_completed_by_the_reconciler(breaks: str) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_job(status=JobStatus.COMPLETED, next=None))
    system.store.objects |= dict.fromkeys(job.object_keys, b"bytes")
    getattr(system, breaks).available = False
    with pytest.raises(Unavailable):
        system.erase()
    getattr(system, breaks).available = True
    assert continue_erasures(system) == [True]
    system.clock.advance(minutes=1)
    system.sweep()
    system.run()
    assert (system.jobs.all(), system.store.objects) == ([], {})


def test_a_job_that_changes_during_the_erasure_is_removed_by_another_try() -> None:
    system = InMemorySystem()
    message = system.put(a_job())

    def claim_first(before: VideoJob, _: VideoJob) -> None:
        system.jobs.before_save = None
        system.crash_worker(message)

    system.jobs.before_save = claim_first
    assert system.erase()
    assert system.jobs.all() == []


def test_an_erasure_frees_the_slots_of_the_removed_jobs() -> None:
    system = InMemorySystem(slots=InMemorySlotRepository(cap=2))
    system.submit_batch([a_new_job(), a_new_job(), a_new_job(priority=Priority.HIGH)])
    ended = [system.jobs.put(replace(job, status=JobStatus.COMPLETED, next=None)) for job in system.jobs.all()]
    assert system.erase()
    assert len(ended) == 3
    for priority in Priority:
        user_slots = system.slots.get(A_USER, priority)
        assert user_slots is not None
        assert user_slots.active == ()


def test_a_later_erasure_request_extends_an_earlier_one() -> None:
    system = InMemorySystem()
    system.erasures.add(A_USER, START)
    later = system.jobs.put(a_job(status=JobStatus.FAILED, next=None, created_at=START + timedelta(minutes=1)))
    system.erasures.add(A_USER, later.created_at)
    assert continue_erasures(system) == [True]
    assert system.jobs.all() == []
