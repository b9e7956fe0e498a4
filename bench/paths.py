"""Folders of the benchmarks, and the configuration of their local system."""

import sys
from pathlib import Path

from localcloud.config import ROOT, CloudConfig

HOME = ROOT / ".local" / "bench"
"""Folder of all files that the benchmarks create. It can be deleted at any time."""
SOURCES = Path(__file__).resolve().parent

INTERPRETER = Path(getattr(sys, "_base_executable", sys.executable))
"""Python interpreter outside of any virtual environment, so that functions import only from their layers."""


def cloud_config() -> CloudConfig:
    """Return the configuration of a local system with its own state and ports, separate from that of `make up`."""
    return CloudConfig(root=ROOT, state=HOME / "cloud", aws_port=4666, mongo_port=27217)
