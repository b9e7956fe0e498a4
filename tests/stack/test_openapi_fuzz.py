"""Fuzzing of the deployed API against docs/openapi.json, with all phases and checks of schemathesis.

`make fuzz` does the same for longer, on a separate system. `fuzzing.py` contains the hooks.
"""

import os
import subprocess
import sys
from pathlib import Path

from localcloud.config import CloudConfig
from localcloud.stack import Stack
from tests.sampling import SAMPLING

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("SEED", "20261123")
EXAMPLES = os.environ.get("EXAMPLES", "12")
"""Examples per operation in the fuzzing phase, and scenarios in the stateful phase."""
LONGEST_SECONDS = os.environ.get("FUZZ_SECONDS", "240")
PHASES = (
    ("Examples", "Coverage", "Fuzzing", "Stateful") if SAMPLING.is_complete else ("Examples", "Fuzzing", "Stateful")
)
"""`make fuzz` adds the coverage phase, which takes as long as all other phases together."""


def fuzz(stack: Stack, cloud: CloudConfig) -> subprocess.CompletedProcess[str]:
    """Run schemathesis once. Return the finished process with its output."""
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
        cwd=cloud.state,  # it writes a folder into the working directory
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=float(LONGEST_SECONDS),
    )


def test_every_response_conforms_to_the_openapi_document(stack: Stack, cloud: CloudConfig) -> None:
    run = fuzz(stack, cloud)
    print(run.stdout)  # noqa: T201 - the summary, shown with -s
    assert run.returncode == 0, run.stdout
    assert all(f"✅ {phase}" in run.stdout for phase in PHASES), "a phase is missing"
    assert "Tested: 16" in run.stdout
