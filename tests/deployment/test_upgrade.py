"""A deployment meets jobs under way: none is lost and none is doubled, forth, back, and when it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.earlier import ROOT, earlier_commit


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What happened: a fresh stack of the commit before, the upgrade, the rollback, and a deployment that fails.

    In a process of its own, as the servers that it starts outlive whoever starts them.
    """
    told = tmp_path_factory.mktemp("deployment") / "phases.json"
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "common")])
    environment = {**os.environ, "UPGRADE_FROM": earlier_commit(), "JOBS": "8", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-m", "tests.deployment", str(told)], cwd=ROOT, env=environment, check=True)
    ran: list[dict[str, Any]] = json.loads(Path(told).read_text())
    return ran


@pytest.mark.timeout(900)
def test_no_deployment_loses_or_doubles_a_job(phases: list[dict[str, Any]]) -> None:
    fresh, *later = phases
    assert fresh["stack_status"] == "CREATE_COMPLETE"
    assert len(later) == 3
    for phase in later:
        assert phase["met"]["processing"], f"{phase['name']} met no job that somebody worked on"
        assert phase["wrong"] == [], phase["name"]
        assert set(phase["ended"]) == {"completed"}, phase["name"]
        assert phase["answers"]["201"] > 0, f"nobody was served during {phase['name']}"


@pytest.mark.timeout(900)
def test_a_deployment_that_fails_leaves_the_one_before_at_work(phases: list[dict[str, Any]]) -> None:
    upgrade, rollback, failed = phases[1:]
    assert (upgrade["stack_status"], rollback["stack_status"]) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert failed["stack_status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert failed["ended"]["completed"] > sum(failed["met"].values()), "nothing was made after it failed"
