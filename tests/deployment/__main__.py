"""`make upgrade`: a table of what deployments do to the jobs in progress. JOBS=40 UPGRADE_FROM=…

For the test: an argument is the path of a file to which the result is written as JSON, and `UPGRADE_ONLY=1` leaves out
the rollback and the deployment that fails.
"""

import json
import os
import sys
from pathlib import Path

from localcloud.errors import LocalCloudError
from localcloud.progress import errors
from tests.deployment.upgrade import run_upgrade, show


def main() -> int:
    """Run the scenario; the exit status is 1 if a job was lost or processed twice, or if a deployment went wrong."""
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
