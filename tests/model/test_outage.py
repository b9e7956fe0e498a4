"""Outages of 40 minutes, in virtual time, with the receive counts of the deployed queues."""

import logging
from collections.abc import Iterator
from copy import replace
from datetime import timedelta

import pytest

from tests.builders import a_job, a_lease, a_retried_job, a_started_job, a_step
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.fakes.slots import InMemorySlotRepository
from tests.model.outage import SWEEP_EVERY, Outage, OutageSimulation, deployed_policy
from tests.system import InMemorySystem
from videojobs.domain.deadlines import MAXIMUM_RESEND_PAUSE
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import JobId, JobStatus, Step, VideoJob
from videojobs.domain.lifecycle import DEADLINE_EXCEEDED
from videojobs.domain.request import Priority
from videojobs.services.reconcile_jobs import GRACE

OUTAGE_MINUTES = 40
POLICY = deployed_policy()
LONGEST_DELAY = MAXIMUM_RESEND_PAUSE + GRACE + SWEEP_EVERY
"""Longest time from the end of the outage to the next run of a step."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def simulation() -> OutageSimulation:
    provider = ScriptedProvider(yields_pixels=True)
    return OutageSimulation(InMemorySystem(provider=provider, policy=POLICY, slots=InMemorySlotRepository(cap=1)))


def jobs_in_progress(minutes_left: float) -> dict[str, VideoJob]:
    """Return a started job in each state, with its deadline `minutes_left` after the end of the outage."""
    started_at = START + timedelta(minutes=OUTAGE_MINUTES + minutes_left) - POLICY.deadline
    jobs = {
        "submitting": a_started_job(Step.START, provider=None),
        "polling": a_started_job(Step.POLL, next=a_step(Step.POLL, due_in_seconds=10)),
        "polling at a worker that is cut off": a_started_job(Step.POLL, lease=a_lease(20)),
        "polling, sent again before": a_started_job(Step.POLL, next=a_step(Step.POLL, resends=3)),
        "polling after a long pause": a_started_job(Step.POLL, next=a_step(Step.POLL, due_in_seconds=850)),
        "polling with high priority": a_started_job(Step.POLL, priority=Priority.HIGH),
        "rendering": a_started_job(Step.RENDER),
        "rendering at a renderer that is cut off": a_started_job(Step.RENDER, lease=a_lease(20)),
        "rendering with high priority": a_started_job(Step.RENDER, priority=Priority.HIGH),
        "finishing": a_started_job(Step.FINISH),
    }
    return {state: replace(job, started_at=started_at) for state, job in jobs.items()}


@pytest.mark.parametrize("outage", Outage)
def test_jobs_within_their_deadline_complete_after_an_outage_of_forty_minutes(
    simulation: OutageSimulation, outage: Outage
) -> None:
    system = simulation.system
    queued, waiting = system.submit(), system.submit()
    assert waiting.waiting_since is not None
    jobs = {state: simulation.put(job) for state, job in jobs_in_progress(minutes_left=10).items()}
    jobs |= {"retried before its clean-up": simulation.put(a_retried_job()), "queued": queued.id}
    simulation.run(OUTAGE_MINUTES, outage=outage)
    assert all(system.jobs.get(job_id).is_live for job_id in jobs.values())
    assert sum(simulation.dead_letters.values()) > 0
    ends_at = system.clock.now()

    simulation.run(10)
    ended = {state: system.jobs.get(job_id) for state, job_id in jobs.items()}
    assert {state: job.status for state, job in ended.items()} == dict.fromkeys(jobs, JobStatus.COMPLETED)
    assert all(job.attempt - job.attempts_before_retry == 1 for job in ended.values())
    assert max(job.updated_at for job in ended.values()) <= ends_at + LONGEST_DELAY
    assert system.jobs.get(waiting.id).status is JobStatus.COMPLETED


@pytest.mark.parametrize("outage", Outage)
def test_jobs_past_their_deadline_fail_after_an_outage_and_name_it(
    simulation: OutageSimulation, outage: Outage
) -> None:
    jobs = {state: simulation.put(job) for state, job in jobs_in_progress(minutes_left=-5).items()}
    simulation.run(OUTAGE_MINUTES, outage=outage)
    simulation.run(2)
    for state, job_id in jobs.items():
        job = simulation.system.jobs.get(job_id)
        assert (job.status, job.error_message) == (JobStatus.FAILED, DEADLINE_EXCEEDED.message), state
        assert job.error is not None
        assert job.error.code == FailureCode.TIMEOUT


@pytest.mark.parametrize("outage", Outage)
def test_messages_of_a_step_do_not_multiply_during_an_outage(simulation: OutageSimulation, outage: Outage) -> None:
    for job in jobs_in_progress(minutes_left=10).values():
        simulation.put(job)
    simulation.run(OUTAGE_MINUTES, outage=outage)
    assert max(simulation.sent.values()) <= 6 + OUTAGE_MINUTES / 5
    simulation.run(3 * 60)
    assert simulation.in_queues() == {}


@pytest.mark.parametrize("outage", Outage)
def test_an_outage_counts_no_runs_and_opens_no_circuit(simulation: OutageSimulation, outage: Outage) -> None:
    jobs = [simulation.put(job) for job in jobs_in_progress(minutes_left=10).values()]
    simulation.run(OUTAGE_MINUTES, outage=outage)
    steps = [simulation.system.jobs.get(job_id).next for job_id in jobs]
    assert [step.runs for step in steps if step is not None] == [0] * len(jobs)
    circuit = simulation.system.circuits.find(simulation.system.provider.name)
    assert (circuit.failures, circuit.open_until) == (0, None)


@pytest.mark.parametrize("outage", Outage)
def test_every_change_reaches_the_webhook_after_an_outage(simulation: OutageSimulation, outage: Outage) -> None:
    before = simulation.put(a_job(status=JobStatus.COMPLETED, next=None, outbox=()))
    unpublished = simulation.put(a_job(status=JobStatus.COMPLETED, next=None))
    live = simulation.put(a_started_job(Step.POLL, outbox=()))
    changed = a_job(id=before).changed(START)
    simulation.system.notifier.publish(before, changed.outbox)
    simulation.run(OUTAGE_MINUTES, outage=outage)
    simulation.run(3 * 60)
    assert delivered_jobs(simulation) == {before, unpublished, live}
    published = {announcement.id for _, announcement in simulation.system.notifier.published}
    assert {webhook.event_id for webhook in simulation.receiver.got} == published
    assert simulation.webhooks.failures == {}
    assert simulation.in_queues() == {}


def delivered_jobs(simulation: OutageSimulation) -> set[JobId]:
    events = {announcement.id: job_id for job_id, announcement in simulation.system.notifier.published}
    return {events[webhook.event_id] for webhook in simulation.receiver.got}
