"""Time until a job whose worker was killed is claimed again, with the default settings."""

import statistics
import sys
from datetime import datetime, timedelta

import pytest

from tests.faults.scenarios import after
from tests.faults.system_under_test import SWEEP_EVERY, SystemUnderTest

SAMPLES = 30
WORKER_SECONDS = 20
"""Timeout of the worker: the kill happens within this time."""
PROMISED_SECONDS = 90


def test_job_of_a_killed_worker_is_claimed_again_within_ninety_seconds(
    sut: SystemUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = {}
    sut.next_sweep = sut.now + SWEEP_EVERY
    for delay in sorted(sut.random.uniform(0, SWEEP_EVERY.total_seconds()) for _ in range(SAMPLES)):
        sut.now = sut.began + timedelta(seconds=delay)
        post = sut.post()
        assert sut.deliver(sut.take(), at=sut.start("worker", after("jobs.claim"))).crashed
        killed[post.job_id] = sut.now + timedelta(seconds=sut.random.uniform(0, WORKER_SECONDS))
    sut.run()
    again = {job_id: _claims(sut, job_id)[1] for job_id in killed}
    waits = [(again[job_id] - killed[job_id]).total_seconds() for job_id in killed]
    with capsys.disabled():
        summary = f"p50 {statistics.median(waits):.0f} s, max {max(waits):.0f} s of {SAMPLES} (seed {sut.seed})"
        sys.stdout.write(f"\nwait of a job after its worker was killed: {summary}\n")
    assert max(waits) <= PROMISED_SECONDS
    assert {job["attempt"] for job in sut.jobs()} == {1}


def _claims(sut: SystemUnderTest, job_id: str) -> list[datetime]:
    claims = [write for write in sut.observations if (write["kind"], write["job"]) == ("claim", job_id)]
    return [datetime.fromisoformat(claim["now"]) for claim in sorted(claims, key=lambda claim: claim["at"])]
