"""Taking a batch: all of its jobs or none, in order, once per idempotency key."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_new_job
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import Batch, IdempotencyKey, JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.services.store_once import KEY_LIFETIME, KEY_TRIES

KEY = IdempotencyKey("key", "a" * 64)
THREE = [a_new_job(prompt=f"Cat {number}") for number in range(3)]


def a_system(cap: int = 20) -> InMemorySystem:
    """A system in which each user has so many places in each lane."""
    return InMemorySystem(slots=InMemorySlotRepository(cap=cap))


def test_its_jobs_stand_in_the_order_of_the_requests_and_all_are_made() -> None:
    system = a_system()
    batch, replayed = system.submit_batch(THREE)
    jobs = [system.jobs.get(job_id) for job_id in batch.job_ids]
    assert not replayed
    assert [job.prompt for job in jobs] == ["Cat 0", "Cat 1", "Cat 2"]
    assert {job.batch_id for job in jobs} == {batch.id}
    assert [message.job_id for message in system.queue.sent] == list(batch.job_ids)
    system.run()
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


def test_the_batch_is_stored_with_its_owner_and_outlives_its_jobs() -> None:
    system = a_system()
    batch, _ = system.submit_batch(THREE)
    assert system.batches.all() == [batch]
    assert (batch.user_id, batch.created_at) == (A_USER, START)
    assert batch.expires_at == START + 2 * system.policy.retention


def test_what_is_over_the_cap_waits_in_the_order_of_the_requests() -> None:
    system = a_system(cap=2)
    batch, _ = system.submit_batch([a_new_job() for _ in range(5)])
    assert [message.job_id for message in system.queue.sent] == list(batch.job_ids[:2])
    system.run()
    assert system.provider.tokens == [f"{job_id}:1" for job_id in batch.job_ids]


def test_those_that_wait_are_announced_at_once() -> None:
    system = a_system(cap=1)
    batch, _ = system.submit_batch(THREE)
    assert [job_id for job_id, _ in system.notifier.published] == list(batch.job_ids[1:])
    assert [len(system.jobs.get(job_id).outbox) for job_id in batch.job_ids] == [1, 0, 0]


def test_where_nobody_listens_each_keeps_its_announcement_and_one_alone_is_tried() -> None:
    system = a_system(cap=1)
    tried: list[str] = []

    def publish(job_id: str, _: object) -> None:
        tried.append(job_id)
        raise Unavailable

    system.notifier.publish = publish  # type: ignore[method-assign, assignment]
    batch, _ = system.submit_batch(THREE)
    assert tried == [batch.job_ids[1]]
    assert [len(system.jobs.get(job_id).outbox) for job_id in batch.job_ids] == [1, 1, 1]


def test_jobs_of_both_lanes_keep_their_order_and_each_lane_its_share() -> None:
    system = a_system(cap=1)
    lanes = [Priority.NORMAL, Priority.HIGH, Priority.NORMAL, Priority.HIGH]
    batch, _ = system.submit_batch([a_new_job(priority=lane) for lane in lanes])
    jobs = [system.jobs.get(job_id) for job_id in batch.job_ids]
    assert [job.priority for job in jobs] == lanes
    assert [job.waiting_since is None for job in jobs] == [True, True, False, False]


def test_a_place_that_came_free_meanwhile_is_taken_at_once() -> None:
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


def test_a_database_that_is_gone_takes_nothing_at_all() -> None:
    system = a_system()
    system.batches.available = False
    with pytest.raises(Unavailable):
        system.submit_batch(THREE)
    assert (system.jobs.all(), system.batches.all(), system.queue.sent) == ([], [], [])


def test_a_batch_whose_answer_was_lost_is_there_as_a_whole_and_a_repeat_finds_it() -> None:
    system = a_system()
    system.batches.answers_lost = True
    with pytest.raises(Unavailable):
        system.submit_batch(THREE, idempotency=KEY)
    system.batches.answers_lost = False
    batch, replayed = system.submit_batch(THREE, idempotency=KEY)
    assert (replayed, len(system.jobs.all()), len(batch.job_ids)) == (True, 3, 3)
    system.run(sweeping=True)
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


def test_a_queue_that_takes_nothing_refuses_nothing() -> None:
    system = a_system()
    system.queue.available = False
    system.submit_batch(THREE)
    system.queue.available = True
    system.run(sweeping=True)
    assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}


class TestIdempotency:
    def test_the_same_key_again_is_the_same_batch_and_gives_its_places_back(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        again, replayed = system.submit_batch(THREE, idempotency=KEY)
        share = system.slots.get(A_USER)
        assert (again, replayed) == (first, True)
        assert share is not None
        assert share.active == first.job_ids
        assert len(system.queue.sent) == len(system.jobs.all()) == 3

    def test_the_same_key_for_another_batch_is_refused_and_gives_its_places_back(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        with pytest.raises(IdempotencyMismatch):
            system.submit_batch(THREE, idempotency=replace(KEY, fingerprint="b" * 64))
        share = system.slots.get(A_USER)
        assert share is not None
        assert share.active == first.job_ids

    def test_a_key_is_the_users_own(self) -> None:
        system = a_system()
        mine, _ = system.submit_batch(THREE, idempotency=KEY)
        theirs, replayed = system.submit_batch(THREE, idempotency=KEY, user_id=ANOTHER_USER)
        assert (mine.id != theirs.id, replayed) == (True, False)

    def test_batches_without_a_key_are_all_different(self) -> None:
        system = a_system()
        assert system.submit_batch(THREE)[0].id != system.submit_batch(THREE)[0].id

    def test_sixteen_at_once_make_one_batch(self) -> None:
        system = a_system()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: system.submit_batch(THREE, idempotency=KEY), range(16)))
        assert len({batch.id for batch, _ in answers}) == len(system.batches.all()) == 1
        assert [replayed for _, replayed in answers].count(False) == 1
        assert len(system.jobs.all()) == 3

    def test_after_a_day_a_key_is_free_again(self) -> None:
        system = a_system()
        first, _ = system.submit_batch(THREE, idempotency=KEY)
        system.clock.set(START + KEY_LIFETIME - timedelta(milliseconds=1))
        assert system.submit_batch(THREE, idempotency=KEY) == (first, True)
        system.clock.set(START + KEY_LIFETIME)
        second, replayed = system.submit_batch(THREE, idempotency=KEY)
        assert (second.id != first.id, replayed) == (True, False)

    def test_a_key_that_is_always_taken_by_nobody_gives_up(self) -> None:
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
