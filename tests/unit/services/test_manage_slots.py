"""Slots: the active jobs of a user at a priority are limited, and additional jobs wait in order, also after a crash."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_cancelled_job, a_job, a_new_job, a_waiting_job, an_id
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.slots import CHECK_EVERY, GRACE, TooManyWaitingJobs, UserSlots

HIGH = a_new_job(priority=Priority.HIGH)


def a_system(cap: int, provider: ScriptedProvider | None = None, *, maximum_waiting: int = 1000) -> InMemorySystem:
    """Return a system in which each user has `cap` slots per priority, and up to `maximum_waiting` waiting jobs."""
    slots = InMemorySlotRepository(cap=cap, maximum_waiting=maximum_waiting)
    return InMemorySystem(slots=slots, provider=provider or ScriptedProvider())


def active(system: InMemorySystem, priority: Priority = Priority.NORMAL) -> tuple[JobId, ...]:
    """Return the IDs of the user's jobs that hold a slot at the priority."""
    user_slots = system.slots.get(A_USER, priority)
    return user_slots.active if user_slots else ()


def counted(system: InMemorySystem) -> set[JobId]:
    """Return the IDs that count as waiting jobs of the user at normal priority."""
    user_slots = system.slots.get(A_USER)
    return set(user_slots.waiting) if user_slots else set()


def waiting(system: InMemorySystem) -> list[JobId]:
    """Return the IDs of all jobs that wait for a slot, oldest first."""
    return [job.id for job in system.jobs.all() if job.waiting_since is not None]


def check(system: InMemorySystem) -> list[JobId]:
    """Compare the user's slots with the jobs, as the reconciler does, and return the IDs that were removed."""
    user_slots = system.slots.get(A_USER)
    assert user_slots is not None
    return system.dispatcher.check_slots(user_slots)


class TestCap:
    def test_jobs_over_the_cap_wait_in_order_without_a_message(self) -> None:
        system = a_system(2)
        jobs = [system.submit() for _ in range(5)]
        assert [message.job_id for message in system.queue.sent] == [job.id for job in jobs[:2]]
        assert waiting(system) == [job.id for job in jobs[2:]]
        assert {job.status for job in system.jobs.all()} == {JobStatus.QUEUED}

    def test_each_ended_job_admits_the_oldest_waiting_job(self) -> None:
        system = a_system(1)
        jobs = []
        for _ in range(4):
            jobs.append(system.submit())
            system.clock.advance(1)
        system.run()
        assert system.provider.tokens == [f"{job.id}:1" for job in jobs]
        assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}
        assert active(system) == ()

    def test_concurrent_submissions_never_exceed_the_cap(self) -> None:
        system = a_system(3)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: system.submit(), range(16)))
        assert len(active(system)) == len(system.queue.sent) == 3
        assert len(waiting(system)) == 13

    def test_each_user_has_a_cap_of_their_own(self) -> None:
        system = a_system(1)
        system.submit()
        system.submit()
        theirs = system.submit(user_id=ANOTHER_USER)
        assert theirs.waiting_since is None
        assert system.queue.sent[-1].group == ANOTHER_USER

    def test_high_and_normal_priority_have_separate_slots(self) -> None:
        system = a_system(1)
        normal, _ = system.submit(), system.submit()
        high = system.submit(HIGH)
        assert (active(system), active(system, Priority.HIGH)) == ((normal.id,), (high.id,))
        assert [message.lane for message in system.queue.sent] == [Priority.NORMAL, Priority.HIGH]

    def test_an_ended_high_priority_job_admits_no_normal_job(self) -> None:
        system = a_system(1)
        system.submit()
        high, second = system.submit(HIGH), system.submit()
        system.cancel(high.id)
        assert waiting(system) == [second.id]

    def test_a_new_job_waits_behind_the_jobs_that_already_wait(self) -> None:
        system = a_system(2)
        system.jobs.put(a_waiting_job())
        system.slots.put(UserSlots(A_USER, Priority.NORMAL, (an_id(),), START, START, waiting_at=START))
        new = system.submit()
        assert new.waiting_since == START
        assert [job_id for job_id, _ in system.notifier.published] == [new.id]

    def test_a_failed_job_frees_its_slot(self) -> None:
        refusal = ProviderError(FailureCode.CONTENT_REJECTED, "No.", transient=False)
        system = a_system(1, ScriptedProvider(submits=[refusal]))
        system.submit()
        second = system.submit()
        system.run()
        assert system.jobs.get(second.id).status is JobStatus.COMPLETED

    def test_a_job_keeps_its_slot_for_its_next_attempt(self) -> None:
        stumble = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
        system = a_system(1, ScriptedProvider(submits=[stumble]))
        first, second = system.submit(), system.submit()
        [message] = system.queue.drain()
        assert system.deliver(message).attempt == 2
        assert (active(system), waiting(system)) == ((first.id,), [second.id])

    @pytest.mark.parametrize("end", ["late", "dead letter"])
    def test_a_job_that_the_reconciler_ends_frees_its_slot(self, end: str) -> None:
        system = a_system(1)
        first, second = system.submit(), system.submit()
        [message] = system.queue.drain()
        system.jobs.put(replace(first, started_at=START - timedelta(hours=2)))
        if end == "dead letter":
            assert system.bury(message)
        else:
            system.clock.advance(minutes=1)
            assert system.sweep()["late"] == 1
        assert active(system) == (second.id,)
        assert [sent.job_id for sent in system.queue.drain()] == [second.id]


class TestMaximumOfWaitingJobs:
    def test_a_job_over_the_maximum_is_refused_before_anything_is_stored(self) -> None:
        system = a_system(1, maximum_waiting=2)
        for _ in range(3):
            system.submit()
        stored, sent = system.jobs.all(), list(system.queue.sent)
        with pytest.raises(TooManyWaitingJobs, match="At most 2 of your videos with priority normal can wait"):
            system.submit()
        assert (system.jobs.all(), system.queue.sent) == (stored, sent)
        assert counted(system) == set(waiting(system))

    def test_the_maximum_holds_per_user_and_priority(self) -> None:
        system = a_system(1, maximum_waiting=1)
        for request, user_id in ((None, A_USER), (HIGH, A_USER), (None, ANOTHER_USER)):
            system.submit(request, user_id=user_id)
            assert system.submit(request, user_id=user_id).waiting_since is not None

    def test_concurrent_submissions_never_exceed_the_maximum(self) -> None:
        system = a_system(2, maximum_waiting=3)

        def submit(_: int) -> bool:
            try:
                system.submit()
            except TooManyWaitingJobs:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            accepted = list(pool.map(submit, range(16)))
        assert accepted.count(True) == len(system.jobs.all()) == 5
        assert len(waiting(system)) == 3

    @pytest.mark.parametrize("end", ["admitted", "cancelled", "erased"])
    def test_a_job_that_stops_waiting_makes_room_for_another(self, end: str) -> None:
        system = a_system(1, maximum_waiting=1)
        first, second = system.submit(), system.submit()
        if end == "erased":
            system.erase()
        else:
            system.cancel(first.id if end == "admitted" else second.id)
        assert counted(system) == set()
        for _ in range(1 if end != "erased" else 2):
            last = system.submit()
        assert counted(system) == {last.id}

    def test_a_retry_over_the_maximum_is_refused_and_changes_nothing(self) -> None:
        system = a_system(1, maximum_waiting=1)
        cancelled = system.submit()
        system.cancel(cancelled.id)
        system.submit()
        waits = system.submit()
        before = system.jobs.get(cancelled.id)
        with pytest.raises(TooManyWaitingJobs):
            system.retry(cancelled.id)
        assert system.jobs.get(cancelled.id) == before
        system.cancel(waits.id)
        assert system.retry(cancelled.id).waiting_since is not None
        assert counted(system) == {cancelled.id}

    def test_a_retried_job_whose_clean_up_ends_at_the_same_time_is_counted(self) -> None:
        system = a_system(1)
        message = system.put(a_cancelled_job())
        system.submit()

        def clean_up_first(*_: VideoJob) -> None:
            system.jobs.before_save = None
            system.deliver(message)
            system.slots.release(A_USER, Priority.NORMAL, [message.job_id])

        system.jobs.before_save = clean_up_first
        assert system.retry(message.job_id).waiting_since is not None
        assert counted(system) == {message.job_id}

    def test_jobs_of_the_express_server_are_adopted_over_the_maximum(self) -> None:
        system = a_system(1, maximum_waiting=1)
        system.submit()
        system.submit()
        left = [system.jobs.put(a_job(next=None, outbox=())) for _ in range(3)]
        system.clock.advance(minutes=1)
        assert system.sweep()["adopted"] == len(left)

    def test_an_id_that_a_crash_has_left_waiting_is_removed(self) -> None:
        system = a_system(1, maximum_waiting=1)
        system.submit()
        system.slots.acquire(A_USER, Priority.NORMAL, [system.jobs.new_id()], START)
        with pytest.raises(TooManyWaitingJobs):
            system.submit()
        system.clock.set(START + GRACE)
        check(system)
        assert len(counted(system)) == 1  # its job may be about to be stored
        system.clock.set(START + GRACE + timedelta(seconds=1))
        check(system)
        assert counted(system) == set()
        assert system.submit().waiting_since is not None

    def test_waiting_jobs_that_are_not_counted_are_added(self) -> None:
        system = a_system(1, maximum_waiting=2)
        system.submit()
        uncounted = [system.jobs.put(a_waiting_job(number)) for number in range(2)]
        check(system)
        assert counted(system) == {job.id for job in uncounted}
        with pytest.raises(TooManyWaitingJobs):
            system.submit()


class TestFreedSlots:
    def test_a_slot_that_is_freed_while_the_job_is_stored_is_taken_at_once(self) -> None:
        system = a_system(1)
        first = system.submit()
        real_add = system.jobs.add

        def end_first(job: VideoJob) -> None:
            system.cancel(first.id)
            real_add(job)

        system.jobs.add = end_first  # type: ignore[method-assign]
        second = system.submit()
        assert second.waiting_since is not None
        assert system.jobs.get(second.id).waiting_since is None
        assert active(system) == (second.id,)

    def test_a_new_job_gets_a_slot_at_once_when_no_jobs_wait_any_more(self) -> None:
        system = a_system(1)
        first, second = system.submit(), system.submit()
        system.cancel(first.id)
        system.cancel(second.id)
        assert system.submit().waiting_since is None

    def test_a_job_that_starts_to_wait_during_an_admission_is_remembered(self) -> None:
        system = a_system(1)
        first, _ = system.submit(), system.submit()

        def find_too_early(*_: object) -> None:
            now = system.clock.advance(1)
            system.slots.acquire(A_USER, Priority.NORMAL, [an_id(), an_id()], now)

        system.jobs.find_waiting = find_too_early  # type: ignore[method-assign, assignment]
        system.cancel(first.id)
        user_slots = system.slots.get(A_USER)
        assert user_slots is not None
        assert user_slots.waiting_at == START + timedelta(seconds=1)

    def test_a_job_that_ends_while_it_is_admitted_passes_its_slot_on(self) -> None:
        system = a_system(1)
        first, second, third = system.submit(), system.submit(), system.submit()

        def cancel_second(before: VideoJob, _: VideoJob) -> None:
            if before.id == second.id:
                system.jobs.before_save = None
                system.cancel(second.id)

        system.jobs.before_save = cancel_second
        system.cancel(first.id)
        assert active(system) == (third.id,)
        assert system.jobs.get(third.id).waiting_since is None

    def test_a_job_that_another_worker_admitted_keeps_its_slot(self) -> None:
        system = a_system(1)
        first, second = system.submit(), system.submit()

        def admit_first(before: VideoJob, after: VideoJob) -> None:
            if before.id == second.id:
                system.jobs.before_save = None
                assert system.jobs.save(before, after)

        system.jobs.before_save = admit_first
        system.cancel(first.id)
        assert active(system) == (second.id,)

    def test_concurrent_admissions_admit_each_job_once(self) -> None:
        system = a_system(3)
        jobs = [system.jobs.put(a_waiting_job(number)) for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: system.dispatcher.admit_waiting(A_USER, Priority.NORMAL), range(8)))
        assert sorted(message.job_id for message in system.queue.sent) == [job.id for job in jobs[:3]]
        assert set(active(system)) == {job.id for job in jobs[:3]}


class TestCrashes:
    """Recovery from crashes: comparing slots with jobs frees the slots of ended jobs and admits forgotten jobs."""

    def crash_between_end_and_next(self) -> tuple[InMemorySystem, VideoJob, VideoJob]:
        system = a_system(1)
        first, second = system.submit(), system.submit()
        system.slots.available = False
        system.cancel(first.id)
        system.slots.available = True
        return system, first, second

    def test_the_reconciler_frees_a_slot_left_behind_by_a_crash(self) -> None:
        system, first, second = self.crash_between_end_and_next()
        assert (active(system), waiting(system)) == ((first.id,), [second.id])
        system.clock.set(START + CHECK_EVERY + timedelta(seconds=1))
        assert system.sweep()["freed"] == 1
        assert (active(system), waiting(system)) == ((second.id,), [])

    def test_the_reconciler_skips_slots_that_it_checked_recently(self) -> None:
        system, first, _ = self.crash_between_end_and_next()
        system.clock.set(START + CHECK_EVERY)
        assert system.sweep()["freed"] == 0
        assert active(system) == (first.id,)

    def test_a_job_that_is_not_stored_yet_keeps_its_slot_during_the_grace_period(self) -> None:
        system = a_system(1)
        job_id = system.jobs.new_id()
        assert system.slots.acquire(A_USER, Priority.NORMAL, [job_id], START) == 1
        system.clock.set(START + GRACE)
        assert check(system) == []
        assert active(system) == (job_id,)

    def test_a_job_that_was_never_stored_loses_its_slot_after_the_grace_period(self) -> None:
        system = a_system(1)
        job_id = system.jobs.new_id()
        system.slots.acquire(A_USER, Priority.NORMAL, [job_id], START)
        system.clock.set(START + GRACE + timedelta(seconds=1))
        assert check(system) == [job_id]
        assert active(system) == ()

    def test_a_live_job_keeps_its_slot(self) -> None:
        system = a_system(1)
        job = system.submit()
        system.clock.advance(hours=1)
        assert check(system) == []
        assert active(system) == (job.id,)

    def test_the_check_admits_a_waiting_job_that_the_slots_do_not_know(self) -> None:
        system = a_system(2)
        system.submit()
        forgotten = system.jobs.put(a_waiting_job())
        assert check(system) == []
        assert forgotten.id in active(system)

    def test_the_check_admits_a_job_whose_admission_crashed(self) -> None:
        system = a_system(1)
        first, second = system.submit(), system.submit()

        def crash(before: VideoJob, _: VideoJob) -> None:
            if before.id == second.id:
                raise Unavailable

        system.jobs.before_save = crash
        system.cancel(first.id)
        assert (active(system), waiting(system)) == ((second.id,), [second.id])
        system.jobs.before_save = None
        check(system)
        assert (active(system), waiting(system)) == ((second.id,), [])

    def test_a_job_retried_before_its_slot_was_freed_does_not_block_waiting_jobs(self) -> None:
        system, first, second = self.crash_between_end_and_next()
        system.clock.advance(1)
        assert system.retry(first.id).waiting_since is not None
        assert active(system) == (first.id,)
        check(system)
        assert (active(system), waiting(system)) == ((second.id,), [first.id])
        system.run()
        assert {job.status for job in system.jobs.all()} == {JobStatus.COMPLETED}

    def test_the_reconciler_removes_old_empty_slots(self) -> None:
        system = a_system(1)
        job = system.submit()
        system.cancel(job.id)
        system.clock.set(START + CHECK_EVERY + timedelta(seconds=1))
        system.sweep()
        assert system.slots.get(A_USER) is None

    def test_a_job_that_starts_to_wait_right_before_a_check_is_admitted_by_the_next_check(self) -> None:
        system = a_system(1)
        system.slots.put(UserSlots(A_USER, Priority.NORMAL, (), changed_at=system.clock.now(), checked_at=START))
        check(system)
        late = system.jobs.put(a_waiting_job())
        check(system)
        assert active(system) == (late.id,)

    @pytest.mark.parametrize("breaks", ["release", "find_waiting"])
    def test_a_job_is_cancelled_even_if_its_slot_cannot_be_released(
        self, breaks: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        system = a_system(1)
        first, _ = system.submit(), system.submit()

        def fail(*_: object) -> None:
            raise Unavailable

        setattr(system.slots if breaks == "release" else system.jobs, breaks, fail)
        assert system.cancel(first.id).status is JobStatus.CANCELLED
        assert "Slot release failed" in caplog.text


def test_releasing_a_slot_twice_admits_one_job() -> None:
    system = a_system(1)
    first, second, third = system.submit(), system.submit(), system.submit()
    ended = system.cancel(first.id)
    system.dispatcher.release_slot(ended)
    system.dispatcher.release_slot(ended)
    assert (active(system), waiting(system)) == ((second.id,), [third.id])


def test_ending_a_job_of_the_express_server_touches_no_slot() -> None:
    system = a_system(1)
    job = system.jobs.put(a_job(next=None, style="sepia", outbox=()))
    system.clock.advance(minutes=1)
    system.sweep()
    assert system.jobs.get(job.id).status is JobStatus.FAILED
    assert system.slots.get(A_USER) is None
