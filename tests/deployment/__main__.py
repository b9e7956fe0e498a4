"""`make upgrade`: a table of what deployments do to the jobs in progress. JOBS=40 UPGRADE_FROM=…

An argument is the path of a file to which the result is written as JSON as well, for the test.
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
        phases = run_upgrade(jobs=int(os.environ.get("JOBS") or 40))
    except LocalCloudError as error:
        errors.print(str(error), markup=False, style="red")
        return 1
    show(phases)
    for path in sys.argv[1:]:
        Path(path).write_text(json.dumps([vars(phase) for phase in phases]))
    return 1 if any(phase.wrong for phase in phases) else 0


if __name__ == "__main__":
    sys.exit(main())
