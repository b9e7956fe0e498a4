"""Requests: which of them need a capability that not every provider has, and seeds."""

import pytest

from tests.builders import a_new_job
from videojobs.domain.request import MAXIMUM_SEED, Resolution, new_seed


@pytest.mark.parametrize(
    "fields", [{"seed": 0}, {"negative_prompt": "rain"}, {"sound": True}, {"resolution": Resolution.P480}]
)
def test_a_request_with_an_option_needs_capabilities(fields: dict[str, object]) -> None:
    assert a_new_job(**fields).needs_capabilities
    assert not a_new_job().needs_capabilities


def test_seeds_are_random_numbers_of_32_bits() -> None:
    seeds = {new_seed() for _ in range(1000)}
    assert len(seeds) > 990
    assert all(0 <= seed <= MAXIMUM_SEED for seed in seeds)
    assert max(seeds) > MAXIMUM_SEED // 2
