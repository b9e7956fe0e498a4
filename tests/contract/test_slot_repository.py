"""The contract of `SlotRepository`."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, an_id
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain.job import JobId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, TooManyWaitingJobs, UserSlots
from videojobs.ports.fairness import SlotRepository

CAP, MAXIMUM_WAITING = 3, 4
NORMAL, HIGH = Priority.NORMAL, Priority.HIGH
LATER = START + timedelta(minutes=10)


@pytest.fixture(params=["in memory", "MongoDB"])
def slots(request: pytest.FixtureRequest) -> SlotRepository:
    """Return a repository without slots."""
    if request.param == "in memory":
        return InMemorySlotRepository(cap=CAP, maximum_waiting=MAXIMUM_WAITING)
    connection = request.getfixturevalue("connection")
    return MongoSlotRepository(connection, cap=CAP, maximum_waiting=MAXIMUM_WAITING)


def ids(number: int) -> list[JobId]:
    """Return new job IDs."""
    return [an_id() for _ in range(number)]


def read_all(slots: SlotRepository) -> list[UserSlots]:
    """Return the slots of every user and priority."""
    return sorted(slots.find_unchecked(LATER, 100), key=lambda user_slots: (user_slots.user_id, user_slots.priority))


def test_jobs_acquire_slots_up_to_the_cap(slots: SlotRepository) -> None:
    jobs = ids(5)
    assert slots.acquire(A_USER, NORMAL, jobs[:2], START) == 2
    assert slots.acquire(A_USER, NORMAL, jobs[2:], START) == 1
    [user_slots] = read_all(slots)
    assert (set(user_slots.active), set(user_slots.waiting)) == (set(jobs[:3]), set(jobs[3:]))
    assert (user_slots.waiting_at, user_slots.changed_at) == (START, START)


def test_more_jobs_than_the_cap_acquire_as_many_slots_as_the_cap(slots: SlotRepository) -> None:
    jobs = ids(CAP + 4)
    assert slots.acquire(A_USER, NORMAL, jobs, START) == CAP
    [user_slots] = read_all(slots)
    assert (set(user_slots.active), set(user_slots.waiting)) == (set(jobs[:CAP]), set(jobs[CAP:]))


def test_no_more_jobs_wait_than_the_maximum_and_refused_jobs_change_nothing(slots: SlotRepository) -> None:
    slots.acquire(A_USER, NORMAL, ids(CAP + 2), START)
    before = read_all(slots)
    with pytest.raises(TooManyWaitingJobs, match="At most 4 of your videos with priority normal"):
        slots.acquire(A_USER, NORMAL, ids(3), LATER)
    assert read_all(slots) == before
    assert slots.acquire(A_USER, NORMAL, ids(2), START) == 0
    assert len(read_all(slots)[0].waiting) == MAXIMUM_WAITING


def test_jobs_are_refused_as_a_whole_even_if_some_would_get_a_slot(slots: SlotRepository) -> None:
    with pytest.raises(TooManyWaitingJobs):
        slots.acquire(A_USER, NORMAL, ids(CAP + MAXIMUM_WAITING + 1), START)
    assert [(user_slots.active, user_slots.waiting) for user_slots in read_all(slots)] in ([], [((), ())])
    assert slots.acquire(A_USER, NORMAL, ids(CAP + MAXIMUM_WAITING), START) == CAP


def test_a_job_that_gets_a_free_slot_is_not_refused(slots: SlotRepository) -> None:
    jobs = ids(CAP + MAXIMUM_WAITING)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.clear_waiting(A_USER, NORMAL, START)  # the jobs were admitted, but a crash has left their IDs
    slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 1


def test_users_and_priorities_have_separate_maximums(slots: SlotRepository) -> None:
    for user, priority in ((A_USER, NORMAL), (A_USER, HIGH), (ANOTHER_USER, NORMAL)):
        assert slots.acquire(user, priority, ids(CAP + MAXIMUM_WAITING), START) == CAP


def test_a_job_that_waits_already_is_not_counted_twice(slots: SlotRepository) -> None:
    jobs = ids(CAP + MAXIMUM_WAITING)
    slots.acquire(A_USER, NORMAL, jobs, START)
    assert slots.acquire(A_USER, NORMAL, jobs[-1:], START) == 0
    assert len(read_all(slots)[0].waiting) == MAXIMUM_WAITING


def test_a_job_whose_slot_was_not_released_waits_if_others_wait(slots: SlotRepository) -> None:
    jobs = ids(CAP + 1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    assert slots.acquire(A_USER, NORMAL, jobs[:1], START) == 0
    [user_slots] = read_all(slots)
    assert (set(user_slots.active), set(user_slots.waiting)) == ({*jobs[:CAP]}, {jobs[0], jobs[-1]})


def test_users_and_priorities_have_separate_slots(slots: SlotRepository) -> None:
    for user, priority in ((A_USER, NORMAL), (A_USER, HIGH), (ANOTHER_USER, NORMAL)):
        assert slots.acquire(user, priority, ids(CAP), START) == CAP
    assert [(user_slots.user_id, user_slots.priority, user_slots.waiting_at) for user_slots in read_all(slots)] == [
        (A_USER, HIGH, None),
        (A_USER, NORMAL, None),
        (ANOTHER_USER, NORMAL, None),
    ]


def test_a_new_job_cannot_acquire_a_slot_while_others_wait(slots: SlotRepository) -> None:
    jobs = ids(CAP + 1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    assert slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 0
    assert slots.acquire_waiting(A_USER, NORMAL, jobs[-1], START)
    slots.clear_waiting(A_USER, NORMAL, START)
    assert not slots.release(A_USER, NORMAL, jobs[1:2])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 1


def test_a_waiting_job_acquires_a_free_slot_once(slots: SlotRepository) -> None:
    jobs, waiting = ids(CAP), an_id()
    slots.acquire(A_USER, NORMAL, [*jobs, waiting], START)
    assert not slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    [user_slots] = read_all(slots)
    assert (set(user_slots.active), user_slots.waiting) == ({*jobs[1:], waiting}, ())


def test_a_new_job_that_gets_a_slot_does_not_wait(slots: SlotRepository) -> None:
    jobs = ids(CAP + 1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.clear_waiting(A_USER, NORMAL, START)
    slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire(A_USER, NORMAL, jobs[-1:], START) == 1
    assert read_all(slots)[0].waiting == ()


def test_releasing_a_job_that_waits_makes_room_for_another(slots: SlotRepository) -> None:
    jobs = ids(CAP + MAXIMUM_WAITING)
    slots.acquire(A_USER, NORMAL, jobs, START)
    assert slots.release(A_USER, NORMAL, jobs[-1:])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 0
    with pytest.raises(TooManyWaitingJobs):
        slots.acquire(A_USER, NORMAL, ids(1), START)


def test_a_waiting_job_acquires_a_slot_even_if_the_slots_were_removed(slots: SlotRepository) -> None:
    waiting = an_id()
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    assert read_all(slots)[0].active == (waiting,)


def test_releasing_a_slot_twice_or_without_holding_it_is_harmless(slots: SlotRepository) -> None:
    assert not slots.release(A_USER, NORMAL, ids(1))
    jobs = ids(2)
    slots.acquire(A_USER, NORMAL, jobs, START)
    for _ in range(2):
        assert not slots.release(A_USER, NORMAL, jobs)
    assert read_all(slots)[0].active == ()


def test_clearing_the_mark_of_waiting_jobs_keeps_a_later_mark(slots: SlotRepository) -> None:
    slots.acquire(A_USER, NORMAL, ids(CAP + 1), START)
    slots.clear_waiting(A_USER, NORMAL, START - timedelta(seconds=1))
    assert read_all(slots)[0].waiting_at == START
    slots.clear_waiting(A_USER, NORMAL, START)
    assert read_all(slots)[0].waiting_at is None


def test_checked_slots_are_not_found_again_before_the_interval_has_passed(slots: SlotRepository) -> None:
    slots.acquire(A_USER, NORMAL, ids(1), START)
    [user_slots] = read_all(slots)
    now = START + timedelta(minutes=6)
    slots.mark_checked(user_slots, now)
    assert list(slots.find_unchecked(now, 10)) == []
    assert [user_slots.checked_at for user_slots in slots.find_unchecked(LATER, 10)] == [now]


def test_the_longest_unchecked_slots_come_first_up_to_the_limit(slots: SlotRepository) -> None:
    for number, user in enumerate((A_USER, ANOTHER_USER)):
        slots.acquire(user, NORMAL, ids(1), START + timedelta(seconds=number))
    assert [user_slots.user_id for user_slots in slots.find_unchecked(LATER, 1)] == [A_USER]


def test_empty_slots_are_removed_after_the_grace_period(slots: SlotRepository) -> None:
    jobs = ids(1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.release(A_USER, NORMAL, jobs)
    [user_slots] = read_all(slots)
    slots.mark_checked(user_slots, START + GRACE)
    [user_slots] = read_all(slots)
    slots.mark_checked(user_slots, START + GRACE + timedelta(seconds=1))
    assert read_all(slots) == []


def test_empty_slots_that_changed_since_they_were_read_are_kept(slots: SlotRepository) -> None:
    jobs = ids(1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.release(A_USER, NORMAL, jobs)
    [user_slots] = read_all(slots)
    slots.acquire(A_USER, NORMAL, jobs, START + timedelta(seconds=90))
    slots.mark_checked(user_slots, START + timedelta(minutes=2))
    assert [user_slots.active for user_slots in read_all(slots)] == [tuple(jobs)]


def test_correction_removes_and_adds_ids_and_keeps_later_changes(slots: SlotRepository) -> None:
    jobs, forgotten, later = ids(CAP + 2), an_id(), an_id()
    slots.acquire(A_USER, NORMAL, jobs, START)
    [held] = read_all(slots)
    actual = replace(held, active=tuple(jobs[1:CAP]), waiting=(jobs[-1], forgotten))
    slots.acquire(A_USER, NORMAL, [later], START)
    for _ in range(2):
        slots.correct(held, actual)
    [user_slots] = read_all(slots)
    assert (set(user_slots.active), set(user_slots.waiting)) == ({*jobs[1:CAP]}, {jobs[-1], forgotten, later})


def test_correction_of_slots_that_were_removed_creates_none(slots: SlotRepository) -> None:
    held = UserSlots(A_USER, NORMAL, (an_id(),), START, START)
    slots.correct(held, replace(held, active=(), waiting=(an_id(),)))
    assert read_all(slots) == []


def test_slots_with_a_waiting_job_are_kept(slots: SlotRepository) -> None:
    jobs = ids(CAP + 1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.release(A_USER, NORMAL, jobs[:CAP])
    slots.clear_waiting(A_USER, NORMAL, START)
    [user_slots] = read_all(slots)
    slots.mark_checked(user_slots, START + GRACE + timedelta(seconds=1))
    assert [user_slots.waiting for user_slots in read_all(slots)] == [tuple(jobs[CAP:])]


def test_concurrent_acquisitions_do_not_exceed_the_limits(slots: SlotRepository) -> None:
    def acquire(job_id: JobId) -> int | None:
        try:
            return slots.acquire(A_USER, NORMAL, [job_id], START)
        except TooManyWaitingJobs:
            return None

    with ThreadPoolExecutor(8) as threads:
        admitted = list(threads.map(acquire, ids(24)))
    [user_slots] = read_all(slots)
    assert (admitted.count(1), admitted.count(0)) == (CAP, MAXIMUM_WAITING)
    assert (len(user_slots.active), len(user_slots.waiting)) == (CAP, MAXIMUM_WAITING)
    assert user_slots.waiting_at == START


def test_concurrent_acquisitions_of_several_jobs_are_accepted_as_a_whole(slots: SlotRepository) -> None:
    def acquire(job_ids: list[JobId]) -> int | None:
        try:
            return slots.acquire(A_USER, NORMAL, job_ids, START)
        except TooManyWaitingJobs:
            return None

    with ThreadPoolExecutor(8) as threads:
        admitted = list(threads.map(acquire, [ids(CAP + 1) for _ in range(8)]))
    [user_slots] = read_all(slots)
    assert sorted(count for count in admitted if count is not None) == [CAP]
    assert (len(user_slots.active), len(user_slots.waiting)) == (CAP, 1)


def test_the_limits_can_be_read(slots: SlotRepository) -> None:
    assert (slots.cap, slots.maximum_waiting) == (CAP, MAXIMUM_WAITING)
