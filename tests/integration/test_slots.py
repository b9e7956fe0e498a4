"""Users' slots on the real protocol: the number of operations, concurrent deletion, and documents of other versions."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import A_USER, an_id
from tests.fakes.clock import START
from tests.integration.recorder import RECORDER
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain.job import JobId
from videojobs.domain.request import Priority
from videojobs.domain.slots import TooManyWaitingJobs

CAP, MAXIMUM_WAITING = 2, 3


@pytest.fixture
def slots(connection: MongoConnection) -> MongoSlotRepository:
    """Return a repository without slots."""
    return MongoSlotRepository(connection, cap=CAP, maximum_waiting=MAXIMUM_WAITING)


def acquire(slots: MongoSlotRepository, number: int) -> int:
    """Acquire slots for new jobs of the user."""
    return slots.acquire(A_USER, Priority.NORMAL, [an_id() for _ in range(number)], START)


def test_an_acquisition_takes_one_operation_if_slots_are_free_and_else_two(slots: MongoSlotRepository) -> None:
    with RECORDER.listening() as first:
        assert acquire(slots, CAP) == CAP
    with RECORDER.listening() as first_to_wait:
        assert acquire(slots, 1) == 0
    with RECORDER.listening() as next_to_wait:
        assert acquire(slots, 2) == 0
    with RECORDER.listening() as refused, pytest.raises(TooManyWaitingJobs):
        acquire(slots, 1)
    assert [len(commands) for commands in (first, first_to_wait, next_to_wait, refused)] == [1, 2, 2, 2]


def test_a_release_takes_one_operation(slots: MongoSlotRepository) -> None:
    acquire(slots, CAP)
    with RECORDER.listening() as commands:
        slots.release(A_USER, Priority.NORMAL, [an_id()])
    assert len(commands) == 1


def test_a_first_batch_over_the_cap_takes_two_operations(slots: MongoSlotRepository) -> None:
    with RECORDER.listening() as commands:
        assert acquire(slots, CAP + 1) == CAP
    assert len(commands) == 2


class DeletingConnection:
    """Connection that deletes the user's slots after its first operation, as the reconciler may."""

    def __init__(self, connection: MongoConnection) -> None:
        self._connection, self._is_first = connection, True

    def run(self, operation: Callable[[Any], Any]) -> Any:
        """Run the operation on the real connection."""
        try:
            return self._connection.run(operation)
        finally:
            if self._is_first:
                self._is_first = False
                self._connection.run(lambda database: database["shares"].delete_many({}))


def test_slots_that_are_deleted_during_an_acquisition_are_created_again(
    slots: MongoSlotRepository, connection: MongoConnection
) -> None:
    acquire(slots, CAP)
    deleting = MongoSlotRepository(DeletingConnection(connection), cap=CAP, maximum_waiting=0)  # type: ignore[arg-type]
    assert acquire(deleting, 1) == 1


def test_a_document_of_the_previous_release_has_no_counted_jobs(
    slots: MongoSlotRepository, connection: MongoConnection
) -> None:
    active = [JobId("6" * 24), JobId("7" * 24)]
    document = {"_id": f"{A_USER}:normal", "active": active, "waitingAt": START, "changedAt": START, "checkedAt": START}
    connection.run(lambda database: database["shares"].insert_one(document))
    [held] = slots.find_unchecked(START.replace(year=2100), 1)
    assert held.waiting == ()
    assert slots.release(A_USER, Priority.NORMAL, active[:1])
    waiting = an_id()
    assert slots.acquire(A_USER, Priority.NORMAL, [waiting], START) == 0
    [held] = slots.find_unchecked(START.replace(year=2100), 1)
    assert (held.active, held.waiting) == ((active[1],), (waiting,))
