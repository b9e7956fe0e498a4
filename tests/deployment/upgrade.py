"""From an earlier commit to this one and back, with jobs under way all the time, on a system of its own."""

import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from localcloud.config import CloudConfig
from localcloud.processes import end_processes, find_processes
from tests.deployment.earlier import ROOT, check_out, earlier_commit
from tests.deployment.scenario import Phase, deploy, deploy_over, forbid_the_database

STOP_SECONDS = 10


def run_upgrade(*, jobs: int) -> list[Phase]:
    """A fresh stack of the earlier commit, the upgrade, the rollback, and a deployment that fails."""
    commit = earlier_commit()
    state = (ROOT / os.environ.get("LOCALCLOUD_STATE", ".local/test")).resolve() / "upgrade"
    shutil.rmtree(state, ignore_errors=True)
    then = CloudConfig(root=check_out(commit, ROOT / ".local" / "earlier" / commit[:12]), state=state)
    now = replace(then, root=ROOT)
    try:
        with closing(deploy(then, f"{commit[:7]}, fresh")) as system:
            deploy_over(system, now, "upgrade to this", jobs=jobs)
            deploy_over(system, then, f"back to {commit[:7]}", jobs=jobs // 2)
            deploy_over(system, forbid_the_database(now), "one that fails", jobs=jobs // 4, fails=True)
            return system.phases
    finally:
        end_processes(find_processes(Path(state)), grace_seconds=STOP_SECONDS)


def show(phases: list[Phase]) -> None:
    """Print the table."""
    table = Table("deployment", "seconds", "met", "answers meanwhile", "ended", "lost or doubled", "stack")
    for phase in phases:
        met, answers, ended = (
            ", ".join(f"{count} {what}" for what, count in sorted(each.items()))
            for each in (phase.met, {str(key): count for key, count in phase.answers.items()}, phase.ended)
        )
        table.add_row(
            phase.name, f"{phase.seconds:.0f}", met, answers, ended, str(len(phase.wrong)), phase.stack_status
        )
    console = Console(width=150)
    console.print(table)
    for phase in phases:
        for line in phase.wrong:
            console.print(f"{phase.name}: {line}")
