"""Submission of jobs: one write, one message, and one job per idempotency key."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_new_job
from tests.fakes.clock import START
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import IdempotencyKeyTaken, IdempotencyMismatch, Unavailable
from videojobs.domain.job import IdempotencyKey, JobStatus, Step, VideoJob
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.services.store_once import KEY_LIFETIME, KEY_TRIES
from videojobs.services.submit_job import submit_job

KEY = IdempotencyKey("key", "a" * 64)


def submit(system: InMemorySystem, key: IdempotencyKey | None = KEY) -> tuple[VideoJob, bool]:
    """Submit a job with the key; return the job, and whether it is an earlier job."""
    return submit_job(a_new_job(), user_id=A_USER, idempotency=key, dispatcher=system.dispatcher)


def test_a_job_is_stored_as_requested_with_its_first_step() -> None:
    system = InMemorySystem()
    job = system.submit(a_new_job(duration=2.5))
    assert system.jobs.get(job.id) == job
    assert (job.user_id, job.prompt, job.duration, job.status) == (
        A_USER,
        "A cat on a surfboard",
        2.5,
        JobStatus.QUEUED,
    )
    assert job.next is not None
    assert (job.next.step, job.next.due_at, job.created_at, job.updated_at) == (Step.START, START, START, START)
    assert [(announcement.version, announcement.at) for announcement in job.outbox] == [(1, START)]
    [message] = system.queue.sent
    assert (message.job_id, message.step_id, message.delay_seconds) == (job.id, job.next.id, 0)


def test_an_unavailable_queue_does_not_refuse_a_job() -> None:
    system = InMemorySystem()
    system.queue.available = False
    job = system.submit()
    assert system.jobs.get(job.id).next == job.next


def test_an_unavailable_database_stores_no_job_and_sends_no_message() -> None:
    system = InMemorySystem()
    system.jobs.available = False
    with pytest.raises(Unavailable):
        system.submit()
    assert (system.jobs.all(), system.queue.sent) == ([], [])


class TestIdempotency:
    def test_repeating_a_key_returns_the_same_job_without_a_second_message(self) -> None:
        system = InMemorySystem()
        first, replayed = submit(system)
        repeated, replayed_again = submit(system)
        assert (repeated.id, replayed, replayed_again) == (first.id, False, True)
        assert len(system.queue.sent) == len(system.jobs.all()) == 1

    def test_the_same_key_for_another_request_is_refused(self) -> None:
        system = InMemorySystem()
        submit(system)
        with pytest.raises(IdempotencyMismatch):
            submit(system, IdempotencyKey("key", "b" * 64))
        assert len(system.jobs.all()) == 1

    def test_a_repeat_holds_no_extra_slot(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=2))
        first, _ = submit(system)
        for fingerprint in ("a" * 64, "b" * 64):
            with suppress(IdempotencyMismatch):
                submit(system, IdempotencyKey("key", fingerprint))
            user_slots = system.slots.get(A_USER)
            assert user_slots is not None
            assert user_slots.active == (first.id,)

    def test_a_repeat_that_would_wait_is_not_counted(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=1))
        submit(system)
        for fingerprint in ("a" * 64, "b" * 64):
            with suppress(IdempotencyMismatch):
                submit(system, IdempotencyKey("key", fingerprint))
            user_slots = system.slots.get(A_USER)
            assert user_slots is not None
            assert (user_slots.waiting, user_slots.waiting_at) == ((), None)

    def test_a_repeat_over_the_cap_keeps_the_slot_of_the_first_request(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=1))
        first, _ = submit(system)
        assert submit(system)[1]
        user_slots = system.slots.get(A_USER)
        assert user_slots is not None
        assert user_slots.active == (first.id,)

    def test_a_repeat_is_answered_while_no_further_job_can_wait(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=1, maximum_waiting=0))
        first, _ = submit(system)
        assert submit(system) == (first, True)
        with pytest.raises(IdempotencyMismatch):
            submit(system, IdempotencyKey("key", "b" * 64))
        for new in (None, IdempotencyKey("another key", "a" * 64)):
            with pytest.raises(TooManyWaitingJobs):
                submit(system, new)
        assert len(system.jobs.all()) == 1

    def test_keys_of_different_users_are_independent(self) -> None:
        system = InMemorySystem()
        mine = system.submit(idempotency=KEY)
        theirs = system.submit(idempotency=KEY, user_id=ANOTHER_USER)
        assert mine.id != theirs.id

    def test_requests_without_a_key_always_create_a_new_job(self) -> None:
        system = InMemorySystem()
        assert submit(system, None)[0].id != submit(system, None)[0].id

    def test_sixteen_concurrent_requests_with_one_key_create_one_job(self) -> None:
        system = InMemorySystem()
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda _: submit(system), range(16)))
        assert len({job.id for job, _ in results}) == len(system.jobs.all()) == len(system.queue.sent) == 1
        assert [replayed for _, replayed in results].count(False) == 1

    def test_a_key_is_kept_for_a_day(self) -> None:
        system = InMemorySystem()
        first, _ = submit(system)
        system.clock.set(START + KEY_LIFETIME - timedelta(milliseconds=1))
        assert submit(system) == (first, True)

    def test_a_key_can_be_used_again_after_a_day_and_the_first_job_is_kept(self) -> None:
        system = InMemorySystem()
        first, _ = submit(system)
        system.clock.set(START + KEY_LIFETIME)
        second, replayed = submit(system)
        assert (second.id != first.id, replayed) == (True, False)
        assert system.jobs.get(first.id).idempotency is None
        assert submit(system) == (second, True)

    def test_sixteen_concurrent_requests_with_an_expired_key_create_one_job(self) -> None:
        system = InMemorySystem()
        submit(system)
        system.clock.set(START + KEY_LIFETIME)
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda _: submit(system), range(16)))
        assert len({job.id for job, _ in results}) == 1
        assert len(system.jobs.all()) == 2

    def test_a_request_succeeds_if_its_key_is_released_while_it_is_looked_up(self) -> None:
        system = InMemorySystem()
        submit(system)
        real_find = system.jobs.find_by_key

        def find_too_late(user_id: object, key: str) -> VideoJob | None:
            stored = real_find(A_USER, key)
            assert stored is not None
            system.jobs.release_key(stored)
            return None

        system.jobs.find_by_key = find_too_late  # type: ignore[method-assign]
        job, replayed = submit(system)
        assert (system.jobs.get(job.id), replayed) == (job, False)

    def test_a_key_that_stays_taken_without_a_job_raises_unavailable(self) -> None:
        system = InMemorySystem()
        tries: list[VideoJob] = []

        def refuse(job: VideoJob) -> None:
            tries.append(job)
            raise IdempotencyKeyTaken

        system.jobs.add = refuse  # type: ignore[method-assign]
        with pytest.raises(Unavailable):
            submit(system)
        assert len(tries) == KEY_TRIES
        assert system.queue.sent == []
