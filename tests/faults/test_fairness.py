"""Scenario 16: one user queues very many jobs; whoever else asks for a video waits about as long as on an idle system.

Lambda's pollers are few here: in each second so many messages of a queue are handled, the oldest first.
"""

from tests.faults.conftest import MakeSystem
from tests.faults.queues import FUNCTION_OF
from tests.faults.system_under_test import ANOTHER_USER, ENDED, USER, SystemUnderTest

FLOOD = 40
CAP = 4
HANDLED_EACH_SECOND = 3
ASKED = 3
LONGEST_SECONDS = 600


def tick(sut: SystemUnderTest) -> None:
    """A second of the pollers' work."""
    for queue in FUNCTION_OF:
        for message in sut.queues.receive(queue, HANDLED_EACH_SECOND):
            sut.deliver(message)
    sut.pass_time(1)


def longest_wait(sut: SystemUnderTest) -> float:
    """Ask for some videos, one after the other, as their user gets them; how long one took, in seconds."""
    took = []
    for _ in range(ASKED):
        began = sut.now
        job_id = sut.post(user=ANOTHER_USER).job_id
        while sut.job(job_id)["status"] not in ENDED and (sut.now - began).total_seconds() < LONGEST_SECONDS:
            tick(sut)
        took.append((sut.now - began).total_seconds())
    return max(took)


def flood(sut: SystemUnderTest) -> list[str]:
    """One user asks for very many."""
    return [sut.post(user=USER).job_id for _ in range(FLOOD)]


def test_a_flood_of_one_users_jobs_at_most_doubles_how_long_others_wait_and_goes_on_in_order(
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


def test_without_a_cap_the_same_flood_holds_others_up(unchecked_sut: MakeSystem) -> None:
    sut = unchecked_sut()
    idle = longest_wait(sut)
    flood(sut)
    assert longest_wait(sut) > 2 * idle
