"""The command `watch` on the running system."""

import os
import re
import subprocess
import sys
from pathlib import Path

from localcloud.config import CloudConfig
from tests.stack.client import User

_ROOT = Path(__file__).resolve().parents[2]


def test_watch_shows_queues_jobs_and_workers(user: User, cloud: CloudConfig) -> None:
    user.wait(user.submit(style="background"))
    environment = {**os.environ, "LOCALCLOUD_STATE": str(cloud.state)}
    command = [sys.executable, "-m", "localcloud", "watch"]
    output = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    lines = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    assert set(user.stack.queues) <= set(lines)
    assert int(lines["worker"][0]) >= 1
    assert re.search(r"(^|\s)[1-9][\d,]* completed", output)
