"""The sample of long tests: repeatable with the setting in the header, different in each run, complete on request."""

import re

from tests.sampling import SAMPLE_SIZE, Sampling

ITEMS = [f"mutant {number}" for number in range(40)]


def sampling(**environment: str) -> Sampling:
    return Sampling.from_environment(environment)


def test_a_sample_has_the_agreed_size_and_keeps_the_order_of_its_items() -> None:
    sample = sampling(TEST_SEED="7").draw(ITEMS)
    assert len(sample) == SAMPLE_SIZE
    assert sample == [item for item in ITEMS if item in sample]


def test_the_header_shows_the_setting_that_repeats_the_sample() -> None:
    first = sampling()
    setting = re.search(r"TEST_SEED=(\w+)", str(first))
    assert setting
    assert sampling(TEST_SEED=setting[1]).draw(ITEMS) == first.draw(ITEMS)


def test_runs_without_a_seed_eventually_cover_every_item() -> None:
    drawn = {item for _ in range(2000) for item in sampling().draw(ITEMS)}
    assert drawn == set(ITEMS)


def test_a_long_run_collects_all_items_and_the_header_says_so() -> None:
    complete = sampling(TEST_LONG="1", TEST_SEED="7")
    assert complete.draw(ITEMS) == ITEMS
    assert "TEST_LONG=1" in str(complete)
    assert "TEST_SEED" not in str(complete)


def test_a_list_not_longer_than_a_sample_is_collected_completely() -> None:
    assert sampling().draw(ITEMS[:SAMPLE_SIZE]) == ITEMS[:SAMPLE_SIZE]
