"""Renewal of the lease during a submit: while the call lasts, no longer, and never after the lease was lost."""

from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta

import pytest

from tests.builders import a_job, a_lease
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import ProviderUnreachable
from videojobs.domain.job import JobId, JobStatus, Step
from videojobs.ports.videos import Submission, UnknownSubmit

ACCEPTED = Submission("task-1", poll_after_seconds=5)
LEASE = timedelta(seconds=25)
SLOWEST = timedelta(seconds=40)
"""Limit of a submit, which is longer than the lease."""


class WorkerKilled(BaseException):
    """The end of the process in the middle of a call."""


def a_system(during_submit: object, unknown_submit: UnknownSubmit = UnknownSubmit.FAIL) -> InMemorySystem:
    """Return a system whose provider calls `during_submit` in the first submit, without a way to find its task."""
    provider = ScriptedProvider(unknown_submit=unknown_submit, submits=[during_submit])  # type: ignore[list-item]
    return InMemorySystem(provider=provider)


def leased_until(system: InMemorySystem, job_id: JobId) -> datetime | None:
    """Return the end of the job's lease, or None without a lease."""
    lease = system.jobs.get(job_id).lease
    return lease and lease.until


def test_the_lease_is_renewed_while_a_submit_is_in_flight() -> None:
    left = list[timedelta]()

    def accept_slowly() -> Submission:
        for _ in range(int(SLOWEST.total_seconds())):
            now = system.clock.advance(1)
            until = leased_until(system, message.job_id)
            assert until is not None
            left.append(until - now)
        return ACCEPTED

    system = a_system(accept_slowly)
    message = system.put(a_job())
    after = system.deliver(message)
    assert after.provider is not None
    assert (after.provider.ref, after.lease) == ("task-1", None)
    assert len(left) == 40
    assert LEASE / 2 < min(left) < max(left) <= LEASE


def test_a_repeated_message_does_not_start_the_step_again_during_a_slow_submit() -> None:
    def accept_slowly() -> Submission:
        for _ in range(4):
            system.clock.advance(10)
            system.sweep()
            system.deliver(message)
        assert system.queue.drain() == []
        return ACCEPTED

    system = a_system(accept_slowly)
    message = system.put(a_job(outbox=()))
    after = system.deliver(message)
    assert len(system.provider.tokens) == 1
    assert after.next is not None
    assert after.next.step is Step.POLL


@pytest.mark.parametrize("error", [None, ProviderUnreachable(), WorkerKilled()], ids=["accepted", "unknown", "killed"])
def test_the_lease_is_not_renewed_after_the_call_has_ended(error: BaseException | None) -> None:
    saves = list[datetime]()

    def end() -> Submission:
        system.clock.advance(20)
        if error is not None:
            raise error
        return ACCEPTED

    system = a_system(end, UnknownSubmit.REPEAT)
    message = system.put(a_job())
    with suppress(WorkerKilled):
        system.deliver(message)
    until = leased_until(system, message.job_id)
    system.jobs.before_save = lambda before, after: saves.append(system.clock.now())
    system.clock.advance(minutes=5)
    assert saves == []
    assert leased_until(system, message.job_id) == until


@pytest.mark.parametrize("killed_after", range(0, 40, 4))
def test_a_step_whose_worker_was_killed_in_a_slow_submit_is_sent_again_within_ninety_seconds(killed_after: int) -> None:
    def die() -> Submission:
        system.clock.advance(killed_after)
        raise WorkerKilled

    for first_sweep in range(0, 60, 5):
        system = a_system(die, UnknownSubmit.FIND)
        message = system.put(a_job(outbox=()))
        with pytest.raises(WorkerKilled):
            system.deliver(message)
        assert system.sweep_until_resent(first_sweep) <= timedelta(seconds=90)
        [resent] = system.queue.drain()
        after = system.deliver(resent)
        assert (after.attempt, after.provider and after.provider.ref) == (1, f"task-of-{after.id}:1")


def test_a_lease_that_another_worker_has_taken_over_is_not_renewed() -> None:
    theirs = a_lease(30, "theirs")

    def lose_the_lease() -> Submission:
        system.jobs.put(replace(system.jobs.get(message.job_id), lease=theirs))
        system.clock.advance(35)
        assert system.jobs.get(message.job_id).lease == theirs
        return ACCEPTED

    system = a_system(lose_the_lease)
    message = system.put(a_job())
    after = system.deliver(message)
    assert after.lease == theirs
    assert after.provider is not None
    assert after.provider.ref is None


def test_the_lease_of_a_job_that_was_cancelled_meanwhile_is_not_renewed() -> None:
    def cancel() -> Submission:
        cancelled = system.cancel(message.job_id)
        system.clock.advance(35)
        assert system.jobs.get(message.job_id) == replace(cancelled, outbox=())
        return ACCEPTED

    system = a_system(cancel)
    message = system.put(a_job())
    after = system.deliver(message)
    assert (after.status, after.lease) == (JobStatus.CANCELLED, None)
    assert system.provider.cancelled == ["task-1"]


def test_a_lease_that_the_reconciler_found_expired_is_not_renewed() -> None:
    def sleep_through_the_lease() -> Submission:
        system.clock.set(START + timedelta(seconds=60))  # without renewals, as in a process that is stopped
        system.sweep()
        system.clock.advance(10)
        assert leased_until(system, message.job_id) == START + LEASE
        return ACCEPTED

    system = a_system(sleep_through_the_lease)
    message = system.put(a_job(outbox=()))
    system.deliver(message)


def test_the_lease_is_not_renewed_after_the_deadline_of_the_job() -> None:
    def accept_late() -> Submission:
        system.clock.advance(40)
        assert leased_until(system, message.job_id) == START + LEASE
        return ACCEPTED

    system = a_system(accept_late)
    message = system.put(a_job(started_at=START + timedelta(seconds=5) - system.policy.deadline))
    system.deliver(message)


def test_a_renewal_that_fails_does_not_interrupt_the_submit_and_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    def accept_during_an_outage() -> Submission:
        system.jobs.available = False
        system.clock.advance(17)
        system.jobs.available = True
        assert leased_until(system, message.job_id) == START + LEASE
        now = system.clock.advance(9)
        until = leased_until(system, message.job_id)
        assert until is not None
        assert until > now + LEASE / 2
        return ACCEPTED

    system = a_system(accept_during_an_outage)
    message = system.put(a_job())
    after = system.deliver(message)
    assert after.provider is not None
    assert after.provider.ref == "task-1"
    failed = [record for record in caplog.records if getattr(record, "action", "") == "lease_not_renewed"]
    assert [getattr(record, "job_id", "") for record in failed] == [message.job_id] * 2
