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

STATE = ROOT / os.environ.get("LOCALCLOUD_STATE", ".local/test") / "upgrade"


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What happened: a new stack of the commit before, the upgrade, the rollback, and a deployment that fails.

    `localcloud during` ends the system that the scenario starts, also when this process is interrupted.
    """
    path = tmp_path_factory.mktemp("deployment") / "phases.json"
    environment = {**os.environ, "LOCALCLOUD_STATE": str(STATE), "UPGRADE_FROM": earlier_commit(), "JOBS": "8"}
    scenario = [sys.executable, "-m", "tests.deployment", str(path)]
    command = [sys.executable, "-m", "localcloud", "during", "--", *scenario]
    with exiting_on_sigterm(), subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            process.wait()
        finally:
            process.terminate()
            process.wait()  # also after Ctrl-C, for which leaving the block would wait a quarter of a second only
    assert path.exists(), f"the scenario ended with status {process.returncode}"
    phases: list[dict[str, Any]] = json.loads(path.read_text())
    return phases


@contextmanager
def exiting_on_sigterm() -> Iterator[None]:
    """Have SIGTERM end pytest with its clean-up, as Ctrl-C does."""

    def leave(number: int, _: object) -> None:
        pytest.exit(f"signal {number}", returncode=128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.timeout(1800)
def test_no_deployment_loses_or_doubles_a_job(phases: list[dict[str, Any]]) -> None:
    fresh, *later = phases
    assert fresh["stack_status"] == "CREATE_COMPLETE"
    assert len(later) == 3
    for phase in later:
        assert phase["met"]["processing"], f"{phase['name']} met no job in progress"
        assert phase["wrong"] == [], phase["name"]
        assert set(phase["ended"]) == {"completed"}, phase["name"]
        assert phase["answers"]["201"] > 0, f"no request was accepted during {phase['name']}"


@pytest.mark.timeout(1800)
def test_a_deployment_that_fails_leaves_the_previous_version_in_service(phases: list[dict[str, Any]]) -> None:
    upgrade, rollback, failed = phases[1:]
    assert (upgrade["stack_status"], rollback["stack_status"]) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert failed["stack_status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert failed["ended"]["completed"] > sum(failed["met"].values()), "no job was completed after it failed"
