"""`make upgrade`: what deployments do to the jobs that they meet, as a table. JOBS=40 UPGRADE_FROM=…

With a path as its argument it writes what happened there as well, for the test.
"""

import json
import os
import sys
from pathlib import Path

from tests.deployment.upgrade import run_upgrade, show

if __name__ == "__main__":
    phases = run_upgrade(jobs=int(os.environ.get("JOBS") or 40))
    show(phases)
    for path in sys.argv[1:]:
        Path(path).write_text(json.dumps([vars(phase) for phase in phases]))
