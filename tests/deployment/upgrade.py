"""Upgrade from an earlier commit to the current one, and rollback, with jobs in progress."""

import os
from collections.abc import Mapping
from contextlib import closing
from functools import partial

from rich.console import Console
from rich.table import Table

from localcloud.config import CloudConfig
from localcloud.system import bring_up
from tests.deployment.earlier import bring_up_checkout, earlier_commit, prepare
from tests.deployment.scenario import Phase, deploy, deploy_over, forbid_the_database

STATE = ".local/upgrade"


def run_upgrade(*, jobs: int, is_complete: bool = True) -> list[Phase]:
    """Deploy the earlier commit, upgrade, roll back, and attempt a deployment that fails. Return the phases.

    Without `is_complete`, the scenario ends after the upgrade.
    Each commit is deployed by its own `localcloud` to the same system, whose state is in `LOCALCLOUD_STATE`. Run this
    under `localcloud during`, which starts with an empty state and stops the system.
    """
    commit = earlier_commit()
    now = CloudConfig.from_environment({"LOCALCLOUD_STATE": STATE, **os.environ})
    earlier = partial(bring_up_checkout, prepare(commit), now)
    with closing(deploy(now, earlier, f"{commit[:7]}, fresh")) as system:
        deploy_over(system, partial(bring_up, now), "upgrade to this", jobs=jobs)
        if not is_complete:
            return system.phases
        deploy_over(system, earlier, f"back to {commit[:7]}", jobs=jobs // 2)
        failing = partial(bring_up, forbid_the_database(now))
        deploy_over(system, failing, "one that fails", jobs=jobs // 4, fails=True)
        return system.phases


def show(phases: list[Phase]) -> None:
    """Print a table with a column for each deployment, and a line for each lost or doubled job."""
    table = Table("", *(phase.name for phase in phases))
    table.add_row("seconds", *(f"{phase.seconds:.0f}" for phase in phases))
    table.add_row("jobs in progress", *(_list(phase.met) for phase in phases))
    table.add_row(
        "responses (0: none)",
        *(_list({f"× {status}": count for status, count in phase.answers.items()}) for phase in phases),
    )
    table.add_row("outcome", *(_list(phase.ended) for phase in phases))
    table.add_row("lost or doubled", *(str(len(phase.wrong)) if phase.ended else "" for phase in phases))
    table.add_row("stack", *(phase.stack_status.replace("_", " ").lower() for phase in phases))
    console = Console()
    console.print(table)
    for phase in phases:
        for line in phase.wrong:
            console.print(f"{phase.name}: {line}")


def _list(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{count} {name}" for name, count in sorted(counts.items()))
