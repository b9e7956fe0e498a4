"""Removing all that a user has, however much it is and whatever breaks on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_cancelled_job, a_job, a_new_job, a_started_job, a_waiting_job
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.ports.jobs import Erasure
from videojobs.services.erase_videos import PAGE, erase_videos


def go_on(system: InMemorySystem, seconds: float = 10) -> list[bool]:
    """What the reconciler does with every erasure that is not done."""
    until = system.clock.now() + timedelta(seconds=seconds)
    asked_for = list(system.erasures.find_all(10))
    ports = {"batches": system.batches, "erasures": system.erasures, "store": system.store}
    return [erase_videos(Erasure(*it), until=until, dispatcher=system.dispatcher, **ports) for it in asked_for]  # type: ignore[arg-type]


def test_nothing_of_a_user_is_left_and_nothing_of_others_is_touched() -> None:
    system = InMemorySystem()
    theirs = system.submit(user_id=ANOTHER_USER)
    done = system.jobs.put(a_job(status=JobStatus.COMPLETED, next=None))
    system.store.objects |= dict.fromkeys((*done.object_keys, *theirs.object_keys), b"bytes")
    system.submit_batch([a_new_job()] * 3)
    assert system.erase()
    assert system.jobs.all() == [theirs]
    assert system.batches.all() == []
    assert set(system.store.objects) == set(theirs.object_keys)
    assert list(system.erasures.find_all(1)) == []
    share = system.slots.get(A_USER)
    assert share is not None
    assert share.active == ()


def test_what_runs_is_cancelled_cleaned_up_and_then_removed() -> None:
    system = InMemorySystem()
    system.put(a_started_job())
    assert system.erase()
    [hidden] = system.jobs.all()
    assert not hidden.is_shown(system.clock.now())
    system.run()
    assert (system.jobs.all(), system.provider.cancelled) == ([], ["task-1"])


def test_what_waits_or_is_still_to_be_cleaned_up_goes_as_well() -> None:
    system = InMemorySystem()
    system.jobs.put(a_waiting_job())
    message = system.put(a_cancelled_job())
    assert system.erase()
    system.hand_out(message)
    assert system.jobs.all() == []


def test_who_has_nothing_has_nothing_to_wait_for() -> None:
    system = InMemorySystem()
    assert system.erase()
    assert list(system.erasures.find_all(1)) == []


def test_it_goes_page_after_page() -> None:
    system = InMemorySystem()
    for number in range(2 * PAGE + 1):
        system.jobs.put(a_job(status=JobStatus.FAILED, next=None, created_at=START - timedelta(seconds=number)))
    assert system.erase()
    assert system.jobs.all() == []


def test_it_goes_on_after_its_time_ran_out() -> None:
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
    assert go_on(system) == [True]
    assert (system.jobs.all(), go_on(system)) == ([], [])


def test_what_was_made_after_the_request_stays() -> None:
    system = InMemorySystem()
    system.jobs.put(a_job(status=JobStatus.FAILED, next=None))
    system.store.available = False
    with pytest.raises(Unavailable):
        system.erase()
    system.store.available = True
    system.clock.advance(1)
    later = system.submit()
    assert go_on(system) == [True]
    system.run()
    system.clock.advance(minutes=1)
    system.sweep()
    system.run()
    assert system.jobs.all() == [system.jobs.get(later.id)]


@pytest.mark.parametrize("breaks", ["jobs", "store", "batches"])
def test_a_service_that_does_not_answer_leaves_the_rest_to_the_reconciler(breaks: str) -> None:
    system = InMemorySystem()
    job = system.jobs.put(a_job(status=JobStatus.COMPLETED, next=None))
    system.store.objects |= dict.fromkeys(job.object_keys, b"bytes")
    getattr(system, breaks).available = False
    with pytest.raises(Unavailable):
        system.erase()
    getattr(system, breaks).available = True
    assert go_on(system) == [True]
    system.clock.advance(minutes=1)
    system.sweep()
    system.run()
    assert (system.jobs.all(), system.store.objects) == ([], {})


def test_a_job_that_moves_on_in_that_moment_is_met_again() -> None:
    system = InMemorySystem()
    message = system.put(a_job())

    def claim_first(before: VideoJob, _: VideoJob) -> None:
        system.jobs.before_save = None
        system.crash_worker(message)

    system.jobs.before_save = claim_first
    assert system.erase()
    assert system.jobs.all() == []


def test_the_places_of_what_was_erased_are_free() -> None:
    system = InMemorySystem(slots=InMemorySlotRepository(cap=2))
    system.submit_batch([a_new_job(), a_new_job(), a_new_job(priority=Priority.HIGH)])
    ended = [system.jobs.put(replace(job, status=JobStatus.COMPLETED, next=None)) for job in system.jobs.all()]
    assert system.erase()
    assert len(ended) == 3
    for lane in Priority:
        share = system.slots.get(A_USER, lane)
        assert share is not None
        assert share.active == ()


def test_a_later_request_widens_an_earlier_one() -> None:
    system = InMemorySystem()
    system.erasures.add(A_USER, START)
    later = system.jobs.put(a_job(status=JobStatus.FAILED, next=None, created_at=START + timedelta(minutes=1)))
    system.erasures.add(A_USER, later.created_at)
    assert go_on(system) == [True]
    assert system.jobs.all() == []
