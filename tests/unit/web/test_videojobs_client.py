"""The JavaScript client, tested with Node's test runner on the Node that Playwright includes."""

import subprocess
from pathlib import Path

import playwright

_NODE = Path(playwright.__file__).parent / "driver" / "node"


def test_the_tests_of_the_client_pass() -> None:
    command = [_NODE, "--test", "--test-reporter=tap", *sorted(Path(__file__).parent.glob("*.test.mjs"))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 0" not in run.stdout
    assert "MaxListenersExceeded" not in run.stdout + run.stderr, "each request leaves a listener behind"
