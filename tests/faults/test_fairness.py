"""Scenario 16: one user queues very many jobs; whoever else asks for a video waits about as long as on an idle system.

Lambda's pollers are few here: in each second so many messages of a queue are handled, the oldest first.
"""

from tests.faults.conftest import MakeWorld
from tests.faults.queues import FUNCTION_OF
from tests.faults.world import ANOTHER_USER, ENDED, USER, World

FLOOD = 40
CAP = 4
HANDLED_EACH_SECOND = 3
ASKED = 3
LONGEST_SECONDS = 600


def tick(world: World) -> None:
    """A second of the pollers' work."""
    for queue in FUNCTION_OF:
        for message in world.queues.receive(queue, HANDLED_EACH_SECOND):
            world.deliver(message)
    world.pass_time(1)


def longest_wait(world: World) -> float:
    """Ask for some videos, one after the other, as their user gets them; how long one took, in seconds."""
    took = []
    for _ in range(ASKED):
        began = world.now
        job_id = world.post(user=ANOTHER_USER).job_id
        while world.job(job_id)["status"] not in ENDED and (world.now - began).total_seconds() < LONGEST_SECONDS:
            tick(world)
        took.append((world.now - began).total_seconds())
    return max(took)


def flood(world: World) -> list[str]:
    """One user asks for very many."""
    return [world.post(user=USER).job_id for _ in range(FLOOD)]


def test_a_flood_of_one_users_jobs_at_most_doubles_how_long_others_wait_and_goes_on_in_order(
    make_world: MakeWorld,
) -> None:
    world = make_world(cap=CAP)
    idle = longest_wait(world)
    flooding = flood(world)
    assert longest_wait(world) <= 2 * idle
    assert {world.job(job_id)["status"] for job_id in flooding} > {"queued"}
    world.run()
    assert {job["status"] for job in world.jobs()} == {"completed"}
    started = [world.job(job_id)["startedAt"] for job_id in flooding]
    assert all(started[number] < started[number + CAP] for number in range(FLOOD - CAP))


def test_without_a_cap_the_same_flood_holds_others_up(unchecked_world: MakeWorld) -> None:
    world = unchecked_world()
    idle = longest_wait(world)
    flood(world)
    assert longest_wait(world) > 2 * idle
