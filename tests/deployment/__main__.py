"""Command of `make upgrade`: prints a table of the effects of deployments on jobs in progress.

Environment variables: `JOBS` (default 40) is the number of jobs per deployment, and `UPGRADE_FROM` the earlier commit.
With `UPGRADE_ONLY=1`, the rollback and the failing deployment are left out. The result is also written as JSON to each
path in the arguments.
"""

import json
import os
import sys
from pathlib import Path

from localcloud.errors import LocalCloudError
from localcloud.progress import errors
from tests.deployment.upgrade import run_upgrade, show


def main() -> int:
    """Run the scenario. Return 1 if a job was lost or processed twice, or if a deployment failed, otherwise 0."""
    try:
        jobs, is_complete = int(os.environ.get("JOBS") or 40), os.environ.get("UPGRADE_ONLY") != "1"
        phases = run_upgrade(jobs=jobs, is_complete=is_complete)
    except LocalCloudError as error:
        errors.print(str(error), markup=False, style="red")
        return 1
    show(phases)
    for path in sys.argv[1:]:
        Path(path).write_text(json.dumps([vars(phase) for phase in phases]))
    return 1 if any(phase.wrong for phase in phases) else 0


if __name__ == "__main__":
    sys.exit(main())
