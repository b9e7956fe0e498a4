"""Scenario 16: one user submits many jobs at once, and other users wait about as long as on an idle system.

There are few pollers here: each second, three messages per queue are handled, the oldest first.
"""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.queues import FUNCTION_OF
from tests.faults.system_under_test import ANOTHER_USER, ENDED, USER, SystemUnderTest
from tests.sampling import SAMPLING

FLOOD = 25
CAP = 4
HANDLED_EACH_SECOND = 3
SUBMISSIONS = 2
MAXIMUM_WAIT_SECONDS = 600


def tick(sut: SystemUnderTest) -> None:
    """Let the pollers work for one second."""
    for queue in FUNCTION_OF:
        for message in sut.queues.receive(queue, HANDLED_EACH_SECOND):
            sut.deliver(message)
    sut.pass_time(1)


def longest_wait(sut: SystemUnderTest) -> float:
    """Submit jobs one after the other as another user. Return the longest time until one ended, in seconds."""
    waits = []
    for _ in range(SUBMISSIONS):
        began = sut.now
        job_id = sut.post(user=ANOTHER_USER).job_id
        while sut.job(job_id)["status"] not in ENDED and (sut.now - began).total_seconds() < MAXIMUM_WAIT_SECONDS:
            tick(sut)
        waits.append((sut.now - began).total_seconds())
    return max(waits)


def flood(sut: SystemUnderTest) -> list[str]:
    """Submit `FLOOD` jobs as one user. Return their IDs."""
    return [sut.post(user=USER).job_id for _ in range(FLOOD)]


def test_flood_of_one_user_at_most_doubles_the_wait_of_others(
    make_sut: MakeSystem,
) -> None:
    sut = make_sut(cap=CAP)
    idle = longest_wait(sut)
    flooding = flood(sut)
    assert longest_wait(sut) <= 2 * idle
    assert {sut.job(job_id)["status"] for job_id in flooding} > {"queued"}
    sut.run()
    assert {job["status"] for job in sut.jobs()} == {"completed"}
    started = [sut.job(job_id)["startedAt"] for job_id in flooding]
    assert all(started[number] < started[number + CAP] for number in range(FLOOD - CAP))


@pytest.mark.skipif(not SAMPLING.is_complete, reason="a mutant: the test above without the limit")
def test_flood_delays_others_without_a_limit_of_active_jobs(unchecked_sut: MakeSystem) -> None:
    sut = unchecked_sut()
    idle = longest_wait(sut)
    flood(sut)
    assert longest_wait(sut) > 2 * idle
