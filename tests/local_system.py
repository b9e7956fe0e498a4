"""Start and stop of a local system for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.config import CloudConfig
from localcloud.stack import Stack

ROOT = Path(__file__).parents[1]


@contextmanager
def running(cloud: CloudConfig, **variables: str) -> Iterator[Stack]:
    """Start the local system in the state folder of `cloud`, yield its description, and stop it afterwards.

    `variables` are additional environment variables of `localcloud up`.

    Raises:
        AssertionError: If the system does not start.
    """
    environment = {**os.environ, "LOCALCLOUD_STATE": str(cloud.state), **variables}
    command = [sys.executable, "-m", "localcloud"]
    try:
        up = subprocess.run([*command, "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert up.returncode == 0, f"`localcloud up` failed:\n{up.stdout}{up.stderr}"
        yield Stack.read(cloud)
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, env=environment, capture_output=True, check=False)
