"""Time until a job whose worker was killed is claimed again, with the default settings."""

import statistics
import sys
from datetime import datetime, timedelta

import pytest

from tests.faults.scenarios import after, before
from tests.faults.system_under_test import LEASE_SECONDS, SWEEP_EVERY, SystemUnderTest
from tests.faults.watched_ports import Fault
from videojobs.services.keep_lease import RENEWALS_PER_LEASE

SAMPLES = 15
PROMISED_SECONDS = 90


def test_job_of_a_killed_worker_is_claimed_again_within_ninety_seconds(
    sut: SystemUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = _kill_workers(sut, after("jobs.claim"))
    _print(waits, sut, capsys)
    assert LEASE_SECONDS <= min(waits) <= max(waits) <= PROMISED_SECONDS


def test_job_of_a_worker_killed_in_a_long_submit_is_claimed_again_within_ninety_seconds(
    sut: SystemUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = _kill_workers(sut, before("provider.submit"), renewals=4)
    _print(waits, sut, capsys)
    assert LEASE_SECONDS <= min(waits) <= max(waits) <= PROMISED_SECONDS


def _kill_workers(sut: SystemUnderTest, fault: Fault, *, renewals: int = 0) -> list[float]:
    """Kill workers at random times between two sweeps. Return the seconds until their jobs are claimed again."""
    killed = {}
    sut.next_sweep = sut.now + SWEEP_EVERY
    for delay in sorted(sut.random.uniform(0, SWEEP_EVERY.total_seconds()) for _ in range(SAMPLES)):
        sut.now = sut.began + timedelta(seconds=delay)
        post = sut.post()
        assert sut.deliver(sut.take(), at=sut.start("worker", fault, renewals=renewals)).crashed
        killed[post.job_id] = sut.now + timedelta(seconds=renewals * LEASE_SECONDS / RENEWALS_PER_LEASE)
    sut.run()
    assert {job["attempt"] for job in sut.jobs()} == {1}
    return [(_claims(sut, job_id)[1] - killed[job_id]).total_seconds() for job_id in killed]


def _print(waits: list[float], sut: SystemUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        summary = f"p50 {statistics.median(waits):.0f} s, max {max(waits):.0f} s of {len(waits)} (seed {sut.seed})"
        sys.stdout.write(f"\nwait of a job after its worker was killed: {summary}\n")


def _claims(sut: SystemUnderTest, job_id: str) -> list[datetime]:
    claims = [write for write in sut.observations if (write["kind"], write["job"]) == ("claim", job_id)]
    return [datetime.fromisoformat(claim["now"]) for claim in sorted(claims, key=lambda claim: claim["at"])]
