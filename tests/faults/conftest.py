"""Fixtures that create a system for each test and check its invariants afterwards."""

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.cloud import Cloud, fake_aws
from tests.faults.processes import nursery
from tests.faults.system_under_test import SystemUnderTest
from tests.sampling import SAMPLING

type MakeSystem = Callable[..., SystemUnderTest]


OTHER_FAULTS = 3
REPEATED = "test_waiting.py"
"""Each of its tests kills fifteen workers at one kind of point, so that one test is a sample."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one point of each kind of crash, and `OTHER_FAULTS` tests of each file that are not crashes, or one.

    They are drawn with the run's seed. `TEST_LONG=1` keeps all of them.
    """
    kinds: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name != "test_mutants.py":
            kinds[item.nodeid.partition("[")[0]].append(item)
    others: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    kept: set[pytest.Item] = set()
    for kind, points in kinds.items():
        chosen = SAMPLING.draw(points, 1)
        if "crash" in kind.lower():
            kept.update(chosen)
        else:
            others[kind.partition("::")[0]].extend(chosen)
    for file, tests in others.items():
        kept.update(SAMPLING.draw(tests, 1 if file.endswith(REPEATED) else OTHER_FAULTS))
    if dropped := {item for points in kinds.values() for item in points} - kept:
        config.hook.pytest_deselected(items=list(dropped))
        items[:] = [item for item in items if item not in dropped]


@pytest.fixture(scope="session")
def worker_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the socket of the parent of all worker processes."""
    with nursery(tmp_path_factory.mktemp("faults")) as socket_path:
        yield socket_path


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Yield the fake AWS."""
    with fake_aws() as running:
        yield running


@pytest.fixture
def seed() -> int:
    """Return the seed of this test's random choices; `FAULTS_SEED` repeats an earlier one."""
    return int(os.environ.get("FAULTS_SEED") or random.SystemRandom().getrandbits(32))


@pytest.fixture
def unchecked_sut(worker_nursery: Path, cloud: Cloud, mongo_address: str, seed: int) -> Iterator[MakeSystem]:
    """Yield a function that creates systems which the test checks itself."""
    systems: list[SystemUnderTest] = []

    def make(**changes: Any) -> SystemUnderTest:
        values = {"nursery": worker_nursery, "cloud": cloud, "mongo_address": mongo_address, "seed": seed}
        systems.append(SystemUnderTest(**values | changes))
        return systems[-1]

    yield make
    for sut in systems:
        sut.close()


@pytest.fixture
def make_sut(unchecked_sut: MakeSystem) -> Iterator[MakeSystem]:
    """Yield a function that creates systems whose invariants are checked after the test."""
    systems: list[SystemUnderTest] = []

    def make(**changes: Any) -> SystemUnderTest:
        systems.append(unchecked_sut(**changes))
        return systems[-1]

    yield make
    for sut in systems:
        if not sut.is_checked:
            check(sut)


@pytest.fixture
def sut(make_sut: MakeSystem) -> SystemUnderTest:
    """Return a system whose provider yields pixels and can find a task by its token."""
    return make_sut()
