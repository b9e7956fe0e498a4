"""The browser's client, tried by Node's own test runner, on the Node that comes with Playwright."""

import subprocess
from pathlib import Path

import playwright

_NODE = Path(playwright.__file__).parent / "driver" / "node"


def test_the_client_does_what_it_promises() -> None:
    command = [_NODE, "--test", "--test-reporter=tap", Path(__file__).with_name("videojobs.test.mjs")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 0" not in run.stdout
    assert "MaxListenersExceeded" not in run.stdout + run.stderr, "a listener is left behind each time it asks"
