"""The fairness measurement: its plan is checked before anything starts."""

from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.fairness import FairnessPlan, run_fairness


def test_a_flood_that_is_too_small_is_refused_before_the_system_starts(tmp_path: Path) -> None:
    config = CloudConfig(root=tmp_path, state=tmp_path / "state")
    with pytest.raises(LocalCloudError, match=r"at least 200:  make fairness JOBS=200"):
        run_fairness(config, FairnessPlan(flood=199))
    assert not config.state.exists()


def test_the_default_flood_is_large_enough() -> None:
    plan = FairnessPlan()
    assert plan.flood >= plan.smallest_flood
