"""How long a job whose worker was killed waits until somebody works on it again, under the default settings."""

import statistics
import sys
from datetime import datetime, timedelta

import pytest

from tests.faults.scenarios import after
from tests.faults.world import SWEEP_EVERY, World

SAMPLES = 30
WORKER_SECONDS = 20
"""The worker's time-out: it is killed in this time, or ends."""
PROMISED_SECONDS = 90


def test_a_killed_job_runs_again_within_ninety_seconds(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    killed = {}
    world.next_sweep = world.now + SWEEP_EVERY
    for delay in sorted(world.random.uniform(0, SWEEP_EVERY.total_seconds()) for _ in range(SAMPLES)):
        world.now = world.began + timedelta(seconds=delay)
        post = world.post()
        assert world.deliver(world.take(), at=world.start("worker", after("jobs.claim"))).crashed
        killed[post.job_id] = world.now + timedelta(seconds=world.random.uniform(0, WORKER_SECONDS))
    world.run()
    again = {job_id: _claims(world, job_id)[1] for job_id in killed}
    waits = [(again[job_id] - killed[job_id]).total_seconds() for job_id in killed]
    with capsys.disabled():
        told = f"p50 {statistics.median(waits):.0f} s, max {max(waits):.0f} s of {SAMPLES} (seed {world.seed})"
        sys.stdout.write(f"\na killed job waits until it runs again: {told}\n")
    assert max(waits) <= PROMISED_SECONDS
    assert {job["attempt"] for job in world.jobs()} == {1}


def _claims(world: World, job_id: str) -> list[datetime]:
    claims = [each for each in world.observations if (each["kind"], each["job"]) == ("claim", job_id)]
    return [datetime.fromisoformat(each["now"]) for each in sorted(claims, key=lambda each: each["at"])]
