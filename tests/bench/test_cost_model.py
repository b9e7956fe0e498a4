"""Cost model: its figures follow from its prices, and the documentation shows them."""

from itertools import pairwise

import pytest

from bench.capacity.cost_model import (
    AI,
    ALARM_METRICS,
    COLUMNS,
    DECADES,
    EVENT_SOURCES,
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
from tests.template.monitored import alarms, metrics_of
from tests.template.parsed import events, functions


def test_each_tier_of_a_price_applies_only_to_the_units_above_the_previous_tier() -> None:
    price = Price("thing", ((10, 0.0), (100, 2.0), (float("inf"), 1.0)), "https://example.com")
    assert [price.of(units) for units in (0, 10, 11, 100, 101, 200)] == [0, 0, 2, 180, 181, 280]


@pytest.mark.parametrize("name", PRICES)
def test_every_price_names_its_unit_and_its_source(name: str) -> None:
    price = PRICES[name]
    assert price.unit
    assert price.source.startswith("https://aws.amazon.com/")
    assert price.tiers[-1][0] == float("inf")
    assert [up_to for up_to, _ in price.tiers] == sorted(up_to for up_to, _ in price.tiers)


def test_cost_of_a_million_jobs_equals_the_calculation_by_hand() -> None:
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
    assert sqs_requests(0, SKETCH) == 10 * 5 * 730 * 3600 / 20
    assert cost["provider"] == 0


def test_every_event_source_of_the_template_is_counted() -> None:
    sources = [event for function in functions().values() for event in events(function, "SQS")]
    assert len(sources) == EVENT_SOURCES
    assert all("ScalingConfig" in event for event in sources), "only these sources have five pollers at all times"


def test_every_metric_of_an_alarm_is_counted() -> None:
    assert sum(len(metrics_of(alarm)) for alarm in alarms().values()) == ALARM_METRICS


def test_more_jobs_cost_more_in_every_part_but_less_per_job() -> None:
    costs = [cost_of(jobs) for jobs in DECADES]
    for less, more in pairwise(costs):
        assert all(less[part] <= more[part] for part in PARTS)
    per_job = [sum(cost.values()) / jobs for cost, jobs in zip(costs, DECADES, strict=True)]
    assert per_job == sorted(per_job, reverse=True)


def test_ai_provider_is_nearly_the_whole_cost() -> None:
    assert dominating(cost_of(1_000_000, AI)) == "provider 100%"


def test_cluster_is_the_smallest_sufficient_tier_and_then_several_of_the_largest() -> None:
    assert find_tier(1_000, SKETCH) == (ATLAS[0], 1)
    tiers = [ATLAS.index(find_tier(10**exponent, SKETCH)[0]) for exponent in range(3, 10)]
    assert tiers == sorted(tiers)
    assert find_tier(1e10, SKETCH)[0] == ATLAS[-1]
    assert find_tier(1e10, SKETCH)[1] > 1


def test_scaling_page_shows_the_figures_of_the_model() -> None:
    assert PAGE.read_text() == fill(PAGE.read_text()), "Outdated. Run: python -m bench.capacity.scaling_page"


def test_readme_shows_the_figures_of_the_model() -> None:
    readme = (PAGE.parents[2] / "README.md").read_text()
    totals = {row[0]: row[COLUMNS.index("total")] for row in rows()}
    assert f"${totals['1,000']} a month for 1,000 jobs and ${totals['1,000,000']} for 1,000,000" in readme
