"""CycloneDX bill of materials for each layer."""

import subprocess
import sys
from pathlib import Path

from localcloud.environment import Environment, find_uv, install
from localcloud.errors import CommandFailedError


def write_bills(root: Path) -> list[Path]:
    """Write the bills of materials of all layers to `out/sbom/`, and return their paths.

    Each layer's pinned requirements are installed into an environment of their own under `.local/sbom`, so that the
    bill contains their licences. The same requirements give the same bytes.

    Raises:
        CommandFailedError: If cyclonedx-py fails.
        SetupError: If uv or a package cannot be installed.
    """
    uv = find_uv(root / ".local" / "uv")
    bills = root / "out" / "sbom"
    bills.mkdir(parents=True, exist_ok=True)
    return [_write_bill(root, uv, file, bills) for file in sorted(root.glob("layers/*/requirements.txt"))]


def _write_bill(root: Path, uv: str, requirements: Path, bills: Path) -> Path:
    layer = requirements.parent.name
    shipped = Environment(f"layer {layer}", root / ".local" / "sbom" / layer, requirements)
    if not shipped.is_current():
        install(shipped, uv)
    bill = bills / f"{layer}.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(shipped.python), "--output-reproducible"]
    command += ["--pyproject", str(root / "pyproject.toml"), "--mc-type", "application", "--output-file", str(bill)]
    result = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise CommandFailedError(f"Could not write the bill of materials of {layer}: {result.stderr.strip()}")
    return bill
