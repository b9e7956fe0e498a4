"""Submission of batches: all jobs or none, in order, once per idempotency key."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_new_job
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import Batch, IdempotencyKey, JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.services.store_once import KEY_LIFETIME, KEY_TRIES

KEY = IdempotencyKey("key", "a" * 64)
THREE = [a_new_job(prompt=f"Cat {number}") for number in range(3)]


def a_system(cap: int = 20, maximum_waiting: int = 1000) -> InMemorySystem:
    """Return a system in which each user has `cap` slots per priority, and up to `maximum_waiting` waiting jobs."""
    return InMemorySystem(slots=InMemorySlotRepository(cap=cap, maximum_waiting=maximum_waiting))


def test_the_jobs_of_a_batch_are_created_in_the_order_of_the_requests() -> None:
    system = a_system()
    batch, replayed = system.submit_batch(THREE)
    jobs = [system.jobs.get(job_id) for job_id in batch.job_ids]
    assert not replayed
    assert [job.prompt for job in jobs] == ["Cat 0", "Cat 1", "Cat 2"]
    assert {job.batch_id for job in jobs} == {batch.id}
    assert [message.job_id for message in system.queue.sent] == list(batch.job_ids)
    system.run()
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


def test_a_batch_is_stored_with_its_owner_and_expires_after_its_jobs() -> None:
    system = a_system()
    batch, _ = system.submit_batch(THREE)
    assert system.batches.all() == [batch]
    assert (batch.user_id, batch.created_at) == (A_USER, START)
    assert batch.expires_at == START + 2 * system.policy.retention


def test_jobs_of_a_batch_over_the_cap_wait_in_the_order_of_the_requests() -> None:
    system = a_system(cap=2)
    batch, _ = system.submit_batch([a_new_job() for _ in range(5)])
    assert [message.job_id for message in system.queue.sent] == list(batch.job_ids[:2])
    system.run()
    assert system.provider.tokens == [f"{job_id}:1" for job_id in batch.job_ids]


def test_waiting_jobs_of_a_batch_are_announced_at_once() -> None:
    system = a_system(cap=1)
    batch, _ = system.submit_batch(THREE)
    assert [job_id for job_id, _ in system.notifier.published] == list(batch.job_ids[1:])
    assert [len(system.jobs.get(job_id).outbox) for job_id in batch.job_ids] == [1, 0, 0]


def test_after_a_failed_announcement_of_a_batch_no_other_is_tried_and_all_are_kept() -> None:
    system = a_system(cap=1)
    attempts: list[str] = []

    def publish(job_id: str, _: object) -> None:
        attempts.append(job_id)
        raise Unavailable

    system.notifier.publish = publish  # type: ignore[method-assign, assignment]
    batch, _ = system.submit_batch(THREE)
    assert attempts == [batch.job_ids[1]]
    assert [len(system.jobs.get(job_id).outbox) for job_id in batch.job_ids] == [1, 1, 1]


def test_a_batch_with_both_priorities_keeps_its_order_and_uses_separate_slots() -> None:
    system = a_system(cap=1)
    priorities = [Priority.NORMAL, Priority.HIGH, Priority.NORMAL, Priority.HIGH]
    batch, _ = system.submit_batch([a_new_job(priority=priority) for priority in priorities])
    jobs = [system.jobs.get(job_id) for job_id in batch.job_ids]
    assert [job.priority for job in jobs] == priorities
    assert [job.waiting_since is None for job in jobs] == [True, True, False, False]


def test_a_batch_up_to_the_maximum_of_waiting_jobs_is_accepted() -> None:
    system = a_system(cap=1, maximum_waiting=2)
    batch, _ = system.submit_batch(THREE)
    user_slots = system.slots.get(A_USER)
    assert user_slots is not None
    assert set(user_slots.waiting) == set(batch.job_ids[1:])


def test_a_batch_over_the_maximum_of_waiting_jobs_is_refused_as_a_whole() -> None:
    system = a_system(cap=1, maximum_waiting=1)
    with pytest.raises(TooManyWaitingJobs):
        system.submit_batch(THREE)
    assert (system.jobs.all(), system.batches.all(), system.queue.sent, system.slots.get(A_USER)) == ([], [], [], None)


def test_a_repeated_batch_is_answered_while_no_further_job_can_wait() -> None:
    system = a_system(cap=3, maximum_waiting=0)
    first, _ = system.submit_batch(THREE, idempotency=KEY)
    assert system.submit_batch(THREE, idempotency=KEY) == (first, True)
    with pytest.raises(TooManyWaitingJobs):
        system.submit_batch(THREE, idempotency=replace(KEY, key="another key"))
    assert len(system.jobs.all()) == 3


def test_a_batch_over_the_maximum_at_one_priority_gives_back_its_slots_at_the_other() -> None:
    system = a_system(cap=1, maximum_waiting=1)
    with pytest.raises(TooManyWaitingJobs):
        system.submit_batch([*THREE, a_new_job(priority=Priority.HIGH), a_new_job(priority=Priority.HIGH)])
    assert (system.jobs.all(), system.batches.all(), system.queue.sent) == ([], [], [])
    user_slots = system.slots.get(A_USER, Priority.HIGH)
    assert user_slots is not None
    assert (user_slots.active, user_slots.waiting, user_slots.waiting_at) == ((), (), None)


def test_a_slot_that_is_freed_during_a_batch_is_taken_at_once() -> None:
    system = a_system(cap=1)
    first = system.submit()
    real_add = system.batches.add

    def end_first(batch: Batch, jobs: list[VideoJob]) -> None:
        system.cancel(first.id)
        real_add(batch, jobs)

    system.batches.add = end_first  # type: ignore[method-assign, assignment]
    batch, _ = system.submit_batch(THREE)
    assert system.jobs.get(batch.job_ids[0]).waiting_since is None
    assert system.jobs.get(batch.job_ids[1]).waiting_since is not None


def test_an_unavailable_database_stores_no_part_of_a_batch() -> None:
    system = a_system()
    system.batches.available = False
    with pytest.raises(Unavailable):
        system.submit_batch(THREE)
    assert (system.jobs.all(), system.batches.all(), system.queue.sent) == ([], [], [])


def test_a_repeat_finds_the_whole_batch_whose_response_was_lost() -> None:
    system = a_system()
    system.batches.answers_lost = True
    with pytest.raises(Unavailable):
        system.submit_batch(THREE, idempotency=KEY)
    system.batches.answers_lost = False
    batch, replayed = system.submit_batch(THREE, idempotency=KEY)
    assert (replayed, len(system.jobs.all()), len(batch.job_ids)) == (True, 3, 3)
    system.run(sweeping=True)
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


def test_an_unavailable_queue_does_not_refuse_a_batch() -> None:
    system = a_system()
    system.queue.available = False
    system.submit_batch(THREE)
    system.queue.available = True
    system.run(sweeping=True)
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


class TestIdempotency:
    def test_repeating_a_key_returns_the_same_batch_and_keeps_no_extra_slots(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        repeated, replayed = system.submit_batch(THREE, idempotency=KEY)
        user_slots = system.slots.get(A_USER)
        assert (repeated, replayed) == (first, True)
        assert user_slots is not None
        assert user_slots.active == first.job_ids
        assert len(system.queue.sent) == len(system.jobs.all()) == 3

    def test_the_same_key_for_another_batch_is_refused_and_keeps_no_extra_slots(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        with pytest.raises(IdempotencyMismatch):
            system.submit_batch(THREE, idempotency=replace(KEY, fingerprint="b" * 64))
        user_slots = system.slots.get(A_USER)
        assert user_slots is not None
        assert user_slots.active == first.job_ids

    def test_keys_of_different_users_are_independent(self) -> None:
        system = a_system()
        mine, _ = system.submit_batch(THREE, idempotency=KEY)
        theirs, replayed = system.submit_batch(THREE, idempotency=KEY, user_id=ANOTHER_USER)
        assert (mine.id != theirs.id, replayed) == (True, False)

    def test_batches_without_a_key_are_always_new(self) -> None:
        system = a_system()
        assert system.submit_batch(THREE)[0].id != system.submit_batch(THREE)[0].id

    def test_sixteen_concurrent_requests_with_one_key_create_one_batch(self) -> None:
        system = a_system()
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda _: system.submit_batch(THREE, idempotency=KEY), range(16)))
        assert len({batch.id for batch, _ in results}) == len(system.batches.all()) == 1
        assert [replayed for _, replayed in results].count(False) == 1
        assert len(system.jobs.all()) == 3

    def test_a_key_can_be_used_again_after_a_day(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        system.clock.set(START + KEY_LIFETIME - timedelta(milliseconds=1))
        assert system.submit_batch(THREE, idempotency=KEY) == (first, True)
        system.clock.set(START + KEY_LIFETIME)
        second, replayed = system.submit_batch(THREE, idempotency=KEY)
        assert (second.id != first.id, replayed) == (True, False)

    def test_a_key_that_stays_taken_without_a_batch_raises_unavailable(self) -> None:
        system = a_system()
        tries: list[Batch] = []

        def refuse(batch: Batch, _: object) -> None:
            tries.append(batch)
            raise IdempotencyKeyTaken

        system.batches.add = refuse  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            system.submit_batch(THREE, idempotency=KEY)
        assert len(tries) == KEY_TRIES
        assert system.queue.sent == []
