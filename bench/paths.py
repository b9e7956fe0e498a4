"""Where the bench finds and keeps things."""

import sys
from pathlib import Path

from localcloud.config import ROOT, CloudConfig

HOME = ROOT / ".local" / "bench"
"""Everything that the bench makes; can be removed at any time."""
SOURCES = Path(__file__).resolve().parent

INTERPRETER = Path(getattr(sys, "_base_executable", sys.executable))
"""The Python outside of any environment: what a function imports has to come from its layers, as on Lambda."""


def cloud_config() -> CloudConfig:
    """A local system of the bench's own, apart from the one that `make up` starts."""
    return CloudConfig(root=ROOT, state=HOME / "cloud", aws_port=4666, mongo_port=27217)
