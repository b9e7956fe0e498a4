"""What the cost model says follows from its prices; its page says the same."""

from itertools import pairwise

import pytest

from bench.capacity.cost_model import (
    AI,
    COLUMNS,
    DECADES,
    PARTS,
    SKETCH,
    cost_of,
    dominating,
    find_tier,
    lambda_calls,
    rows,
    sqs_requests,
)
from bench.capacity.prices import ATLAS, PRICES, Price
from bench.capacity.scaling_page import PAGE, fill


def test_a_price_goes_down_in_tiers_and_only_for_what_is_beyond_them() -> None:
    price = Price("thing", ((10, 0.0), (100, 2.0), (float("inf"), 1.0)), "https://example.com")
    assert [price.of(units) for units in (0, 10, 11, 100, 101, 200)] == [0, 0, 2, 180, 181, 280]


@pytest.mark.parametrize("name", PRICES)
def test_every_price_says_for_what_and_where_it_stands(name: str) -> None:
    price = PRICES[name]
    assert price.unit
    assert price.source.startswith("https://aws.amazon.com/")
    assert price.tiers[-1][0] == float("inf")
    assert [up_to for up_to, _ in price.tiers] == sorted(up_to for up_to, _ in price.tiers)


def test_a_million_jobs_by_hand() -> None:
    cost = cost_of(1_000_000)
    assert cost["API"] == pytest.approx(11e6 * 3.5e-6)
    assert cost["viewers"] == pytest.approx((2000 - 100) * 0.09)
    assert cost["S3"] == pytest.approx(2000 * 0.023 + 3e6 * 5e-6 + 3e6 * 0.4e-6)
    assert cost["MongoDB"] == pytest.approx(0.08 * 730)
    light = (10 * 0.02 + (lambda_calls(SKETCH) - 10) * 0.03) * 0.5
    render = 3.5 * 1769 / 1024
    assert cost["Lambda"] == pytest.approx(
        1e6 * ((light + render) * 1.33334e-5 + (lambda_calls(SKETCH) + 1) * 0.2e-6 + 3.5 * 3.5 * 3.09e-8)
    )
    assert sqs_requests(0, SKETCH) == 12 * 2 * 730 * 3600 / 20
    assert cost["provider"] == 0


def test_more_jobs_cost_more_in_every_part_and_never_more_each() -> None:
    costs = [cost_of(jobs) for jobs in DECADES]
    for less, more in pairwise(costs):
        assert all(less[part] <= more[part] for part in PARTS)
    each = [sum(cost.values()) / jobs for cost, jobs in zip(costs, DECADES, strict=True)]
    assert each == sorted(each, reverse=True)


def test_a_provider_at_ten_cents_a_second_dwarfs_all_else() -> None:
    assert dominating(cost_of(1_000_000, AI)) == "provider 100%"


def test_a_cluster_is_the_smallest_that_holds_it_and_then_there_are_several() -> None:
    assert find_tier(1_000, SKETCH) == (ATLAS[0], 1)
    tiers = [ATLAS.index(find_tier(10**exponent, SKETCH)[0]) for exponent in range(3, 10)]
    assert tiers == sorted(tiers)
    assert find_tier(1e10, SKETCH)[0] == ATLAS[-1]
    assert find_tier(1e10, SKETCH)[1] > 1


def test_the_page_shows_what_the_model_says() -> None:
    assert PAGE.read_text() == fill(PAGE.read_text()), "write it anew: python -m bench.capacity.scaling_page"


def test_readme_shows_what_the_model_says() -> None:
    shown = (PAGE.parents[1] / "README.md").read_text()
    [counts] = [line for line in shown.splitlines() if line.startswith("| jobs a month | 1,000 |")]
    wanted = [line for line in rows() if line[0] in counts.split(" | ")]
    together, each = (" | ".join(line[COLUMNS.index(name)] for line in wanted) for name in ("together", "per 1,000"))
    assert f"| together, $ a month | {together} |" in shown
    assert f"| per 1,000 videos, $ | {each} |" in shown
