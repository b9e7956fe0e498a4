"""A world for each test; when the test is over, the checker holds it against what was promised."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.cloud import Cloud, fake_aws
from tests.faults.processes import nursery
from tests.faults.world import World

type MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def worker_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where worker processes come from."""
    with nursery(tmp_path_factory.mktemp("faults")) as socket_path:
        yield socket_path


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """AWS."""
    with fake_aws() as running:
        yield running


@pytest.fixture
def seed() -> int:
    """What the random choices of this test follow from; `FAULTS_SEED` repeats an earlier one."""
    return int(os.environ.get("FAULTS_SEED") or random.SystemRandom().getrandbits(32))


@pytest.fixture
def unchecked_world(worker_nursery: Path, cloud: Cloud, mongo_address: str, seed: int) -> Iterator[MakeWorld]:
    """Make worlds that the test itself checks."""
    made: list[World] = []

    def make(**changes: Any) -> World:
        values = {"nursery": worker_nursery, "cloud": cloud, "mongo_address": mongo_address, "seed": seed}
        made.append(World(**values | changes))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def make_world(unchecked_world: MakeWorld) -> Iterator[MakeWorld]:
    """Make worlds that the checker looks at in the end."""
    made: list[World] = []

    def make(**changes: Any) -> World:
        made.append(unchecked_world(**changes))
        return made[-1]

    yield make
    for world in made:
        if not world.is_checked:
            check(world)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """The usual one: a provider that can find a task by its token and yields pixels."""
    return make_world()
