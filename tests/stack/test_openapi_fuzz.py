"""The deployed API against its own document: schemathesis makes the calls, in all of its phases, and checks them all.

`make fuzz` does the same for longer, on a system of its own. What schemathesis can't know is in `fuzzing.py`.
"""

import os
import subprocess
import sys
from pathlib import Path

from localcloud.config import CloudConfig
from localcloud.stack import Stack

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("SEED", "20261123")
EXAMPLES = os.environ.get("EXAMPLES", "12")
"""For each operation in the phase of fuzzing, and so many scenarios in the stateful one."""
LONGEST_SECONDS = os.environ.get("FUZZ_SECONDS", "240")
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")


def fuzz(stack: Stack, cloud: CloudConfig) -> subprocess.CompletedProcess[str]:
    """One run; its summary is shown as it comes."""
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", str(ROOT / "docs" / "openapi.json")]
    command += ["--url", stack.api_url, "--checks", "all", "--mode", "all", "--workers", "2", "--continue-on-failure"]
    command += ["--phases", ",".join(PHASES).lower(), "--max-examples", EXAMPLES, "--seed", SEED]
    command += ["--generation-database", "none", "--request-timeout", "60", "--max-response-time", "60"]
    environment = {
        **os.environ,
        "LOCALCLOUD_STATE": str(cloud.state),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'common'}",
        "SCHEMATHESIS_HOOKS": "tests.stack.fuzzing",
    }
    return subprocess.run(
        command,
        cwd=cloud.state,  # it leaves a folder of its own
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=float(LONGEST_SECONDS),
    )


def test_every_call_that_the_document_allows_or_forbids_is_answered_as_it_says(
    stack: Stack, cloud: CloudConfig
) -> None:
    run = fuzz(stack, cloud)
    print(run.stdout)  # noqa: T201 - the summary, for whoever looks at it with -s
    assert run.returncode == 0, run.stdout
    assert all(f"✅ {phase}" in run.stdout for phase in PHASES), "a phase was left out"
    assert "Tested: 12" in run.stdout
