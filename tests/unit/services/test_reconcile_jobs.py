"""The reconciler: each job that a crash or a lost message left behind is found once, and resent or ended."""

from concurrent.futures import ThreadPoolExecutor
from copy import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.builders import a_job, a_lease, a_started_job, a_step, a_waiting_job
from tests.fakes.queue import SentMessage
from tests.system import InMemorySystem
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobStatus, Step, VideoJob
from videojobs.domain.lifecycle import DEADLINE_EXCEEDED
from videojobs.services.reconcile_jobs import LIMIT, PAGE

NOTHING = {"resent": 0, "late": 0, "adopted": 0, "announced": 0, "freed": 0}


def a_quiet_job(**changes: object) -> VideoJob:
    """Return a started job with an empty outbox."""
    return a_started_job(**({"outbox": ()} | changes))


class TestOverdueSteps:
    def test_a_step_whose_message_was_lost_is_sent_again(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(31)
        assert system.sweep() == NOTHING | {"resent": 1}
        assert system.queue.sent == [message]

    def test_a_step_that_is_not_overdue_is_not_resent(self) -> None:
        system = InMemorySystem()
        system.put(a_quiet_job())
        system.clock.advance(25)
        assert system.sweep() == NOTHING
        assert system.queue.sent == []

    def test_a_step_under_a_valid_lease_is_not_resent(self) -> None:
        system = InMemorySystem()
        system.put(a_quiet_job(lease=a_lease(61)))
        system.clock.advance(60)
        assert system.sweep() == NOTHING

    @pytest.mark.parametrize("first_sweep", range(0, 60, 5))
    def test_a_step_whose_worker_was_killed_is_resumed_within_ninety_seconds_each_time(self, first_sweep: int) -> None:
        system = InMemorySystem()
        job = system.submit()
        system.clock.advance(1)  # the delivery of the message takes time
        for _ in range(4):
            [message] = system.queue.drain()
            system.crash_worker(message)
            assert system.sweep_until_resent(first_sweep) <= timedelta(seconds=90)
        system.deliver(system.queue.drain()[0])
        resumed = system.jobs.get(job.id)
        assert (resumed.status, resumed.attempt) == (JobStatus.PROCESSING, 1)

    def test_the_pauses_between_resends_grow(self) -> None:
        system = InMemorySystem()
        system.put(a_quiet_job())
        sent_at = []
        for minute in range(1, 60):
            system.clock.advance(minutes=1)
            if system.sweep()["resent"]:
                sent_at.append(minute)
        pauses = [later - earlier for earlier, later in pairwise(sent_at)]
        assert pauses == sorted(pauses)
        assert pauses[0] <= 2
        assert max(pauses) <= 7
        assert len(sent_at) < 15

    def test_a_step_is_resent_later_when_the_queue_is_unavailable(self) -> None:
        system = InMemorySystem()
        system.put(a_quiet_job())
        system.queue.available = False
        system.clock.advance(minutes=1)
        assert system.sweep()["resent"] == 1
        system.queue.available = True
        system.clock.advance(minutes=2)
        system.sweep()
        assert len(system.queue.sent) == 1

    def test_a_late_duplicate_message_changes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(31)
        system.sweep()
        assert system.deliver(message).status is JobStatus.COMPLETED
        done = system.jobs.get(message.job_id)
        assert system.deliver(system.queue.drain()[0]) == done


class TestConcurrentSweeps:
    def test_concurrent_sweeps_send_each_message_once(self) -> None:
        system = InMemorySystem()
        messages = [system.put(a_quiet_job()) for _ in range(150)]
        system.clock.advance(31)
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda _: system.sweep(), range(4)))
        assert sum(count["resent"] for count in counts) == 150
        assert sorted(sent.step_id for sent in system.queue.sent) == sorted(message.step_id for message in messages)

    def test_concurrent_sweeps_end_each_late_job_once(self) -> None:
        system = InMemorySystem()
        for _ in range(150):
            system.put(a_quiet_job())
        system.clock.advance(hours=2)
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda _: system.sweep(), range(4)))
        assert sum(count["late"] for count in counts) == 150
        assert {len(job.history) for job in system.jobs.all()} == {2}

    @pytest.mark.parametrize("advance", [31, 7200], ids=["overdue", "late"])
    def test_a_job_that_changes_during_the_sweep_is_skipped(self, advance: float) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(advance)
        system.jobs.before_save = lambda before, _: system.jobs.put(
            replace(before, lease=a_lease(advance + 25)) if before.lease is None else before
        )
        assert system.sweep() == NOTHING
        assert system.jobs.get(message.job_id).status is JobStatus.PROCESSING
        assert system.queue.sent == []

    def test_an_adoption_that_another_sweep_wrote_first_is_skipped(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_job(next=None, outbox=()))
        system.clock.advance(minutes=1)
        taken = replace(job, next=a_step(Step.START, due_in_seconds=60))
        system.jobs.before_save = lambda before, _: system.jobs.put(taken) and None
        assert system.sweep() == NOTHING
        assert system.jobs.get(job.id) == taken


class TestPages:
    def test_a_sweep_processes_all_pages(self) -> None:
        system = InMemorySystem()
        for _ in range(2 * PAGE + 1):
            system.put(a_quiet_job())
        system.clock.advance(31)
        assert system.sweep()["resent"] == 2 * PAGE + 1

    def test_a_sweep_stops_when_a_page_makes_no_progress(self) -> None:
        system = InMemorySystem()
        system.notifier.available = False
        for _ in range(PAGE + 1):
            system.jobs.put(a_job(status=JobStatus.FAILED, next=None))
        system.clock.advance(minutes=1)
        limits: list[int] = []
        real_find = system.jobs.find_unannounced
        system.jobs.find_unannounced = lambda before, limit: limits.append(limit) or real_find(before, limit)  # type: ignore[method-assign, func-returns-value]
        assert system.sweep() == NOTHING
        assert limits == [PAGE]

    def test_a_sweep_is_limited_in_size(self) -> None:
        system = InMemorySystem()
        calls: list[int] = []

        def find_the_same_over_and_over(*_: object) -> list[VideoJob]:
            calls.append(1)
            return [system.jobs.put(a_job(next=None, outbox=(), style="sepia")) for _ in range(PAGE)]

        system.jobs.find_unadopted = find_the_same_over_and_over  # type: ignore[method-assign]
        assert system.sweep()["adopted"] == LIMIT
        assert len(calls) == LIMIT // PAGE


class TestEnds:
    def test_a_job_past_its_deadline_fails_with_a_message_and_a_code(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(hours=1, seconds=1)
        assert system.sweep() == NOTHING | {"late": 1}
        failed = system.jobs.get(message.job_id)
        assert (failed.status, failed.error_message) == (
            JobStatus.FAILED,
            "The video was not finished before its deadline. Please try again.",
        )
        assert failed.error is not None
        assert failed.error.code == "timeout"
        assert system.queue.sent == []

    def test_an_invalid_job_of_the_express_server_fails(self) -> None:
        system = InMemorySystem()
        job = system.jobs.put(a_job(next=None, outbox=(), style="sepia"))
        system.clock.advance(minutes=1)
        assert system.sweep()["adopted"] == 1
        assert system.jobs.get(job.id).status is JobStatus.FAILED
        assert system.queue.sent == []

    def test_a_new_job_of_the_express_server_is_not_adopted_yet(self) -> None:
        system = InMemorySystem()
        system.jobs.put(a_job(next=None, outbox=()))
        system.clock.advance(25)
        assert system.sweep() == NOTHING

    def test_a_sweep_raises_unavailable_when_the_database_is_unavailable(self) -> None:
        system = InMemorySystem()
        system.jobs.available = False
        with pytest.raises(Unavailable):
            system.sweep()


def test_a_first_step_that_always_crashes_ends_at_the_deadline() -> None:
    system = InMemorySystem()
    message = system.put(a_job())
    system.crash_worker(message)
    for _ in range(64):
        system.clock.advance(minutes=1)
        system.sweep()
        for sent in system.queue.drain():
            system.crash_worker(sent)
        if not system.jobs.get(message.job_id).is_live:
            break
    ended = system.jobs.get(message.job_id)
    assert ended.error is not None
    assert ended.error.code == "timeout"


class TestDeadLetters:
    def test_a_step_in_the_dead_letter_queue_is_sent_again(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job(lease=a_lease(25)))
        system.clock.advance(25)
        assert system.bury(message)
        assert system.queue.sent == [message]
        assert system.deliver(message).status is JobStatus.COMPLETED

    def test_a_dead_letter_fails_a_job_past_its_deadline_and_names_it(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(hours=1)
        assert system.bury(message)
        failed = system.jobs.get(message.job_id)
        assert (failed.status, failed.error_message) == (JobStatus.FAILED, DEADLINE_EXCEEDED.message)
        assert system.queue.sent == []
        assert not system.bury(message)
        assert system.jobs.get(message.job_id) == failed

    def test_dead_letters_and_sweeps_send_one_message_per_pause(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.clock.advance(26)
        assert system.bury(message)
        assert not system.bury(message)
        assert system.sweep()["resent"] == 0
        system.clock.advance(30)
        assert system.bury(message)
        assert len(system.queue.sent) == 2

    def test_a_dead_letter_of_a_job_that_waits_for_a_slot_changes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_waiting_job())
        system.clock.advance(hours=2)
        assert not system.bury(message)

    def test_a_dead_letter_of_an_earlier_step_changes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        assert not system.bury(replace(message, step_id="the step before"))
        assert system.queue.sent == []

    def test_a_dead_letter_of_a_step_under_a_lease_changes_nothing(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job(lease=a_lease(25)))
        assert not system.bury(message)
        assert system.queue.sent == []

    def test_a_dead_letter_of_an_ended_or_unknown_job_changes_nothing(self) -> None:
        system = InMemorySystem()
        ended = system.jobs.put(a_job(status=JobStatus.COMPLETED, next=None))
        assert not system.bury(SentMessage(ended.id, "step", Step.POLL))
        assert not system.bury(SentMessage(system.jobs.new_id(), "step", Step.POLL))
        assert system.jobs.all() == [ended]

    def test_a_job_that_is_claimed_while_its_dead_letter_is_handled_is_not_changed(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.jobs.before_save = lambda before, _: system.jobs.put(replace(before, lease=a_lease())) and None
        assert not system.bury(message)
        assert system.queue.sent == []

    def test_a_dead_letter_is_kept_while_the_database_is_unavailable(self) -> None:
        system = InMemorySystem()
        message = system.put(a_quiet_job())
        system.jobs.available = False
        with pytest.raises(Unavailable):
            system.bury(message)
