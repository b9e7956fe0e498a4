"""What ships, for whoever has to know: a CycloneDX bill of materials for each layer."""

import subprocess
import sys
from pathlib import Path

from localcloud.environment import Environment, find_uv, install
from localcloud.errors import CommandFailedError


def write_bills(root: Path) -> list[Path]:
    """Install each layer's pinned requirements apart, and write what is there, licences included, to `out/sbom/`.

    The same requirements give the same bytes.

    Raises:
        CommandFailedError: cyclonedx-py could not read an environment.
        SetupError: PyPI is out of reach.
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
    made = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        raise CommandFailedError(f"No bill of materials for {layer}: {made.stderr.strip()}")
    return bill
