"""The contract of `SlotRepository`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, an_id
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain.job import JobId
from videojobs.domain.request import Priority
from videojobs.domain.slots import GRACE, UserSlots
from videojobs.ports.fairness import SlotRepository

CAP = 3
NORMAL, HIGH = Priority.NORMAL, Priority.HIGH
LATER = START + timedelta(minutes=10)


@pytest.fixture(params=["in memory", "MongoDB"])
def slots(request: pytest.FixtureRequest) -> SlotRepository:
    """Nobody has a job."""
    if request.param == "in memory":
        return InMemorySlotRepository(cap=CAP)
    return MongoSlotRepository(request.getfixturevalue("connection"), cap=CAP)


def ids(number: int) -> list[JobId]:
    """So many jobs."""
    return [an_id() for _ in range(number)]


def read(slots: SlotRepository) -> list[UserSlots]:
    """Every share there is."""
    return sorted(slots.find_unchecked(LATER, 100), key=lambda share: (share.user_id, share.priority))


def test_jobs_get_in_while_there_is_room(slots: SlotRepository) -> None:
    jobs = ids(5)
    assert slots.acquire(A_USER, NORMAL, jobs[:2], START) == 2
    assert slots.acquire(A_USER, NORMAL, jobs[2:], START) == 1
    [share] = read(slots)
    assert (share.active, share.waiting_at, share.changed_at) == (tuple(jobs[:3]), START, START)


def test_more_at_once_than_the_cap_fill_it(slots: SlotRepository) -> None:
    jobs = ids(CAP + 4)
    assert slots.acquire(A_USER, NORMAL, jobs, START) == CAP
    assert read(slots)[0].active == tuple(jobs[:CAP])


def test_users_and_lanes_have_shares_of_their_own(slots: SlotRepository) -> None:
    for user, lane in ((A_USER, NORMAL), (A_USER, HIGH), (ANOTHER_USER, NORMAL)):
        assert slots.acquire(user, lane, ids(CAP), START) == CAP
    assert [(share.user_id, share.priority, share.waiting_at) for share in read(slots)] == [
        (A_USER, HIGH, None),
        (A_USER, NORMAL, None),
        (ANOTHER_USER, NORMAL, None),
    ]


def test_while_somebody_waits_a_newcomer_does_not_get_in_first(slots: SlotRepository) -> None:
    jobs = ids(CAP + 1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    assert slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 0
    assert slots.acquire_waiting(A_USER, NORMAL, jobs[-1], START)
    slots.clear_waiting(A_USER, NORMAL, START)
    assert not slots.release(A_USER, NORMAL, jobs[1:2])
    assert slots.acquire(A_USER, NORMAL, ids(1), START) == 1


def test_who_has_waited_gets_in_when_there_is_room_and_once(slots: SlotRepository) -> None:
    jobs, waiting = ids(CAP), an_id()
    slots.acquire(A_USER, NORMAL, [*jobs, waiting], START)
    assert not slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    slots.release(A_USER, NORMAL, jobs[:1])
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    assert read(slots)[0].active == (*jobs[1:], waiting)


def test_who_has_waited_gets_in_although_the_share_is_gone(slots: SlotRepository) -> None:
    waiting = an_id()
    assert slots.acquire_waiting(A_USER, NORMAL, waiting, START)
    assert read(slots)[0].active == (waiting,)


def test_leaving_twice_or_where_one_never_was_is_harmless(slots: SlotRepository) -> None:
    assert not slots.release(A_USER, NORMAL, ids(1))
    jobs = ids(2)
    slots.acquire(A_USER, NORMAL, jobs, START)
    for _ in range(2):
        assert not slots.release(A_USER, NORMAL, jobs)
    assert read(slots)[0].active == ()


def test_somebody_who_came_to_wait_meanwhile_is_not_forgotten(slots: SlotRepository) -> None:
    slots.acquire(A_USER, NORMAL, ids(CAP + 1), START)
    slots.clear_waiting(A_USER, NORMAL, START - timedelta(seconds=1))
    assert read(slots)[0].waiting_at == START
    slots.clear_waiting(A_USER, NORMAL, START)
    assert read(slots)[0].waiting_at is None


def test_what_was_compared_is_not_found_again_before_its_time(slots: SlotRepository) -> None:
    slots.acquire(A_USER, NORMAL, ids(1), START)
    [share] = read(slots)
    now = START + timedelta(minutes=6)
    slots.mark_checked(share, now)
    assert list(slots.find_unchecked(now, 10)) == []
    assert [each.checked_at for each in slots.find_unchecked(LATER, 10)] == [now]


def test_the_longest_unchecked_come_first_and_no_more_than_wanted(slots: SlotRepository) -> None:
    for number, user in enumerate((A_USER, ANOTHER_USER)):
        slots.acquire(user, NORMAL, ids(1), START + timedelta(seconds=number))
    assert [share.user_id for share in slots.find_unchecked(LATER, 1)] == [A_USER]


def test_a_share_that_is_empty_goes_after_a_while(slots: SlotRepository) -> None:
    jobs = ids(1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.release(A_USER, NORMAL, jobs)
    [share] = read(slots)
    slots.mark_checked(share, START + GRACE)
    [share] = read(slots)
    slots.mark_checked(share, START + GRACE + timedelta(seconds=1))
    assert read(slots) == []


def test_a_share_that_has_changed_since_it_was_read_stays(slots: SlotRepository) -> None:
    jobs = ids(1)
    slots.acquire(A_USER, NORMAL, jobs, START)
    slots.release(A_USER, NORMAL, jobs)
    [share] = read(slots)
    slots.acquire(A_USER, NORMAL, jobs, START + timedelta(seconds=90))
    slots.mark_checked(share, START + timedelta(minutes=2))
    assert [each.active for each in read(slots)] == [tuple(jobs)]


def test_of_many_at_once_only_as_many_get_in_as_there_is_room_for(slots: SlotRepository) -> None:
    with ThreadPoolExecutor(8) as threads:
        let_in = list(threads.map(lambda job: slots.acquire(A_USER, NORMAL, [job], START), ids(24)))
    [share] = read(slots)
    assert sum(let_in) == len(share.active) == CAP
    assert share.waiting_at == START


@pytest.mark.parametrize("kind", ["in memory", "MongoDB"])
def test_a_cap_is_told(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "in memory":
        assert InMemorySlotRepository(cap=7).cap == 7
    else:
        connection: MongoConnection = request.getfixturevalue("connection")
        assert MongoSlotRepository(connection, cap=7).cap == 7
