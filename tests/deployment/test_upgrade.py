"""Deployments while jobs are in progress: none is lost or processed twice by an upgrade, a rollback or a failure."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.deployment.earlier import ROOT, earlier_commit
from tests.sampling import SAMPLING

STATE = ROOT / os.environ.get("LOCALCLOUD_STATE", ".local/test") / "upgrade"


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Deploy the earlier commit to a new stack, upgrade the stack, and return the phase of each deployment.

    `localcloud during` stops the system of the scenario, also if this process is interrupted.
    """
    path = tmp_path_factory.mktemp("deployment") / "phases.json"
    environment = {**os.environ, "LOCALCLOUD_STATE": str(STATE), "UPGRADE_FROM": earlier_commit(), "JOBS": "8"}
    environment["UPGRADE_ONLY"] = "0" if SAMPLING.is_complete else "1"
    scenario = [sys.executable, "-m", "tests.deployment", str(path)]
    command = [sys.executable, "-m", "localcloud", "during", "--", *scenario]
    with exiting_on_sigterm(), subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            process.wait()
        finally:
            process.terminate()
            process.wait()  # after Ctrl-C, the end of the block would wait for a quarter of a second only
    assert path.exists(), f"the scenario ended with status {process.returncode}"
    phases: list[dict[str, Any]] = json.loads(path.read_text())
    return phases


@contextmanager
def exiting_on_sigterm() -> Iterator[None]:
    """End pytest with its clean-up on SIGTERM during the block, as Ctrl-C does."""

    def leave(number: int, _: object) -> None:
        pytest.exit(f"signal {number}", returncode=128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


OUTCOMES = [("upgrade", "UPDATE_COMPLETE"), ("rollback", "UPDATE_COMPLETE"), ("failure", "UPDATE_ROLLBACK_COMPLETE")]
DRAWN = OUTCOMES if SAMPLING.is_complete else OUTCOMES[:1]
"""`TEST_LONG=1` adds the deployment of the earlier commit over this one, and a deployment that fails."""


@pytest.mark.timeout(1800)
def test_a_new_stack_is_created_from_the_earlier_commit(phases: list[dict[str, Any]]) -> None:
    assert phases[0]["stack_status"] == "CREATE_COMPLETE"
    assert len(phases) == 1 + len(DRAWN)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("number", "status"), [(n, status) for n, (_, status) in enumerate(DRAWN, 1)])
def test_a_deployment_loses_and_doubles_no_job(phases: list[dict[str, Any]], number: int, status: str) -> None:
    phase = phases[number]
    assert phase["stack_status"] == status
    assert phase["met"]["processing"], "the deployment met no job in progress"
    assert phase["wrong"] == []
    assert set(phase["ended"]) == {"completed"}
    assert phase["answers"]["201"] > 0, "no request was accepted during the deployment"
    assert phase["ended"]["completed"] > sum(phase["met"].values()), "no job of these requests was completed"
