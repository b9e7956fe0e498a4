"""The browser's client, tried by Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

from tests.servers import missing

_HERE = Path(__file__).parent


def test_the_client_does_what_it_promises() -> None:
    node = shutil.which("node")
    if node is None:
        missing("Node is not installed: `apt-get install nodejs` does it")
    command = [node, "--test", "--test-reporter=tap", str(_HERE / "videojobs.test.mjs")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 0" not in run.stdout
    assert "MaxListenersExceeded" not in run.stdout + run.stderr, "a listener is left behind each time it asks"
