"""Taking a job: one write, one message, and one job per idempotency key."""

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
from videojobs.services.store_once import KEY_LIFETIME, KEY_TRIES
from videojobs.services.submit_job import submit_job

KEY = IdempotencyKey("key", "a" * 64)


def submit(system: InMemorySystem, key: IdempotencyKey | None = KEY) -> tuple[VideoJob, bool]:
    """A request with a key; the job, and whether it is an earlier one."""
    return submit_job(a_new_job(), user_id=A_USER, idempotency=key, dispatcher=system.dispatcher)


def test_a_job_is_stored_as_it_was_asked_for_with_its_first_step() -> None:
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
    assert [(each.version, each.at) for each in job.outbox] == [(1, START)]
    [message] = system.queue.sent
    assert (message.job_id, message.step_id, message.delay_seconds) == (job.id, job.next.id, 0)


def test_a_queue_that_takes_nothing_refuses_no_job() -> None:
    system = InMemorySystem()
    system.queue.available = False
    job = system.submit()
    assert system.jobs.get(job.id).next == job.next


def test_a_database_that_is_gone_takes_no_job_and_sends_no_message() -> None:
    system = InMemorySystem()
    system.jobs.available = False
    with pytest.raises(Unavailable):
        system.submit()
    assert (system.jobs.all(), system.queue.sent) == ([], [])


class TestIdempotency:
    def test_the_same_key_again_is_the_same_job_and_no_second_message(self) -> None:
        system = InMemorySystem()
        first, replayed = submit(system)
        again, replayed_again = submit(system)
        assert (again.id, replayed, replayed_again) == (first.id, False, True)
        assert len(system.queue.sent) == len(system.jobs.all()) == 1

    def test_the_same_key_for_another_request_is_refused(self) -> None:
        system = InMemorySystem()
        submit(system)
        with pytest.raises(IdempotencyMismatch):
            submit(system, IdempotencyKey("key", "b" * 64))
        assert len(system.jobs.all()) == 1

    def test_a_repeat_takes_no_place(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=2))
        first, _ = submit(system)
        for fingerprint in ("a" * 64, "b" * 64):
            with suppress(IdempotencyMismatch):
                submit(system, IdempotencyKey("key", fingerprint))
            share = system.slots.get(A_USER)
            assert share is not None
            assert share.active == (first.id,)

    def test_a_repeat_over_the_cap_takes_nobody_elses_place(self) -> None:
        system = InMemorySystem(slots=InMemorySlotRepository(cap=1))
        first, _ = submit(system)
        assert submit(system)[1]
        share = system.slots.get(A_USER)
        assert share is not None
        assert share.active == (first.id,)

    def test_a_key_is_the_users_own(self) -> None:
        system = InMemorySystem()
        mine = system.submit(idempotency=KEY)
        theirs = system.submit(idempotency=KEY, user_id=ANOTHER_USER)
        assert mine.id != theirs.id

    def test_requests_without_a_key_are_all_different(self) -> None:
        system = InMemorySystem()
        assert submit(system, None)[0].id != submit(system, None)[0].id

    def test_sixteen_at_once_make_one_job(self) -> None:
        system = InMemorySystem()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: submit(system), range(16)))
        assert len({job.id for job, _ in answers}) == len(system.jobs.all()) == len(system.queue.sent) == 1
        assert [replayed for _, replayed in answers].count(False) == 1

    def test_a_key_is_kept_for_a_day(self) -> None:
        system = InMemorySystem()
        first, _ = submit(system)
        system.clock.set(START + KEY_LIFETIME - timedelta(milliseconds=1))
        assert submit(system) == (first, True)

    def test_after_a_day_it_is_free_again_and_the_first_job_lives_on(self) -> None:
        system = InMemorySystem()
        first, _ = submit(system)
        system.clock.set(START + KEY_LIFETIME)
        second, replayed = submit(system)
        assert (second.id != first.id, replayed) == (True, False)
        assert system.jobs.get(first.id).idempotency is None
        assert submit(system) == (second, True)

    def test_after_a_day_sixteen_at_once_make_one_job(self) -> None:
        system = InMemorySystem()
        submit(system)
        system.clock.set(START + KEY_LIFETIME)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: submit(system), range(16)))
        assert len({job.id for job, _ in answers}) == 1
        assert len(system.jobs.all()) == 2

    def test_a_key_that_was_released_after_it_was_seen_does_not_end_the_request(self) -> None:
        system = InMemorySystem()
        submit(system)
        real_find = system.jobs.find_by_key

        def find_too_late(user_id: object, key: str) -> VideoJob | None:
            found = real_find(A_USER, key)
            assert found is not None
            system.jobs.release_key(found)
            return None

        system.jobs.find_by_key = find_too_late  # type: ignore[method-assign]
        job, replayed = submit(system)
        assert (system.jobs.get(job.id), replayed) == (job, False)

    def test_a_key_that_is_always_taken_by_nobody_gives_up(self) -> None:
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
