"""Simulation: it agrees with queueing theory, completes every job, and reads its limits from the template."""

from pathlib import Path

import pytest

from bench.capacity.simulation import (
    PICK_UP_SECONDS,
    WORKER_SECONDS,
    Limits,
    Outcome,
    erlang_c,
    fairness,
    knee_of,
    percentile,
    simulate,
    sufficient_render,
    summary,
)
from bench.capacity.workload import FLOOD, FLOODER, Day, arrivals, rate_at
from tests.sampling import SAMPLING

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "scaling.md"
UNHINDERED_SECONDS = 2 * PICK_UP_SECONDS + WORKER_SECONDS
"""Time from a job's creation to the start of its rendering without other jobs."""


def test_every_job_completes_once() -> None:
    limits = Limits(render=5, high_render=2, worker=50, high_worker=10, active_jobs=3)
    outcome = simulate(Day(jobs=2_000, users=100, seconds=3_600), limits)
    assert outcome.accepted == outcome.completed == len(outcome.waits)
    assert len(outcome.waits_of(user=FLOODER)) == FLOOD


def test_simulations_of_the_same_day_are_equal() -> None:
    day, limits = Day(jobs=500, users=20, seconds=1_000), Limits(2, 1, 50, 10, 20)
    assert simulate(day, limits).waits == simulate(day, limits).waits


def test_flood_delays_other_users_without_a_limit_of_active_jobs() -> None:
    day = Day(jobs=3_000, users=100, seconds=7_200)
    fair, unfair = (simulate(day, Limits(4, 2, 50, 10, active)) for active in (4, 1_000))
    assert percentile(fair.waits_of(high=False), 0.95) < percentile(unfair.waits_of(high=False), 0.95)


@pytest.mark.parametrize(("servers", "load", "waiting"), [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (10, 8.0, 0.409)])
def test_erlang_c_equals_published_values(servers: int, load: float, waiting: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(waiting, abs=0.001)


def test_share_of_waiting_jobs_equals_erlang_c_with_exponential_durations() -> None:
    servers, seconds = 8, 20.0
    day = Day(jobs=12_000, users=12_000, high_share=0.0, seconds=40_000, curved=False, seed=7)
    outcome = simulate(day, Limits(servers, 1, 50, 10, 1_000), render_seconds=seconds, steady=False)
    # Only jobs long after the flood, when the queue is in its steady state.
    late = [wait for at, wait, _, user in outcome.waits if user != FLOODER and at > day.seconds / 2]
    waited = sum(wait > UNHINDERED_SECONDS + 0.001 for wait in late) / len(late)
    assert waited == pytest.approx(erlang_c(servers, day.jobs / day.seconds * seconds), abs=0.03)


def test_rate_is_lowest_at_night_and_its_mean_is_one() -> None:
    assert rate_at(4 / 24) == pytest.approx(0.2)
    assert rate_at(16 / 24) == pytest.approx(1.8)
    assert sum(rate_at(step / 1000) for step in range(1000)) / 1000 == pytest.approx(1)
    times = [at for at, _, _ in arrivals(Day(jobs=5_000, users=50))]
    assert times == sorted(times)
    assert len(times) == pytest.approx(5_000 + FLOOD, rel=0.05)


def test_limits_are_the_defaults_of_the_template() -> None:
    assert Limits.of_template() == Limits(render=10, high_render=5, worker=50, high_worker=10, active_jobs=20)
    assert Limits.of_template(render=105).render == 105


def test_a_million_jobs_need_about_a_hundred_renderers() -> None:
    assert 100 <= sufficient_render(Day()) <= 110


def test_fairness_is_one_for_equal_waits_and_lower_with_one_long_wait() -> None:
    even = Outcome(waits=[(0, 5, False, user) for user in range(10)])
    assert fairness(even) == pytest.approx(1)
    assert fairness(Outcome(waits=[*even.waits, (0, 6_000, False, 99)])) < 0.95
    assert fairness(Outcome()) == 1


def test_too_few_workers_delay_jobs_despite_idle_renderers() -> None:
    day = Day(jobs=4_000, users=4_000, seconds=100, curved=False)  # forty jobs per second, with two steps of 30 ms each
    few, enough = (simulate(day, Limits(400, 20, workers, 10, 1_000)) for workers in (2, 10))
    assert percentile(few.waits_of(high=False), 0.95) > 10 * percentile(enough.waits_of(high=False), 0.95)


@pytest.mark.skipif(not SAMPLING.is_complete, reason="a long simulation; `make test-long` runs it")
def test_scaling_page_shows_the_day_with_the_defaults() -> None:
    day, limits = Day(jobs=100_000, users=1_000), Limits.of_template()
    cells = [str(limits.render), *summary(simulate(day, limits), limits, day)]
    assert "| 100,000 jobs, the defaults | " + " | ".join(cells).replace("%", " %") + " |" in PAGE.read_text()


@pytest.mark.parametrize("column", SAMPLING.draw(range(5), 1))
def test_scaling_page_shows_where_the_defaults_saturate(column: int) -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| p95 with the defaults |")]
    wait = knee_of(Day(), (0.05, 0.1, 0.13, 0.15, 0.2)[column], Limits.of_template())
    text = (f"{wait:.1f} s", f"{wait:.1f} s", f"{wait:.0f} s", f"{wait / 60:.0f} min", f"{wait / 60:.0f} min")[column]
    assert row.split(" | ")[column + 1] == text
