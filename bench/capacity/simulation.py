"""A simulated day of many jobs: waits, fairness and saturation: `python -m bench.capacity.simulation`.

Jobs take the way that docs/architecture.md describes: a place in their user's share, a worker, a renderer, a worker
again. Users' activity is skewed (Zipf), the day has a busy evening, one user asks for 250 at once. Steps take the
times of docs/performance.md. Whatever runs counts against its event source's concurrency and against the account's.
"""

import argparse
import math
import random
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import simpy
from rich.console import Console
from rich.table import Table

from bench.capacity.workload import FLOODER, PEAK, Day, arrivals
from localcloud.template import read_template

ROOT = Path(__file__).parents[2]
ACCOUNT_CONCURRENCY = 1_000
"""Lambda's default for an account, raised on request: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
SOURCE_CONCURRENCY = 1_250
"""The most of an event source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
WORKER_SECONDS, PICK_UP_SECONDS = 0.03, 0.04
"""One step of the worker; from a message to its function."""
RENDER_SECONDS = 3.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the work: the template's parameters."""

    render: int
    high_render: int
    worker: int
    high_worker: int
    active_jobs: int

    @classmethod
    def of_template(cls, **changes: int) -> "Limits":
        """The template's defaults, or what is given instead."""
        given = read_template(ROOT / "template.yaml")["Parameters"]
        names = {
            "render": "RenderConcurrency",
            "high_render": "HighRenderConcurrency",
            "worker": "WorkerConcurrency",
            "high_worker": "HighWorkerConcurrency",
            "active_jobs": "ActiveJobsPerUser",
        }
        return cls(**({field: int(given[name]["Default"]) for field, name in names.items()} | changes))


@dataclass(slots=True)
class Outcome:
    """What came of a day. Waits are seconds from being accepted to the renderer's start."""

    accepted: int = 0
    completed: int = 0
    waits: list[tuple[float, float, bool, int]] = field(default_factory=list)
    """When, how long, whether of high priority, whose."""
    busy_seconds: float = 0.0
    busiest: int = 0
    """The most jobs that were queued at a time."""

    def waits_of(self, *, high: bool | None = None, user: int | None = None) -> list[float]:
        """The waits of a user, or those of a lane without the flooder's, or of both lanes; sorted."""
        return sorted(
            wait
            for _, wait, is_high, whose in self.waits
            if (high is None or is_high is high) and (whose != FLOODER if user is None else whose == user)
        )


def percentile(waits: Sequence[float], share: float) -> float:
    """Of sorted waits; 0 where there are none."""
    return waits[min(int(share * len(waits)), len(waits) - 1)] if waits else 0.0


def fairness(outcome: Outcome) -> float:
    """Jain's index of the users' mean speed, 1 / (1 + wait in minutes): 1 where all are served alike."""
    of_user: dict[int, list[float]] = {}
    for _, wait, _, user in outcome.waits:
        of_user.setdefault(user, []).append(wait)
    speeds = [1 / (1 + fmean(waits) / 60) for waits in of_user.values()]
    return sum(speeds) ** 2 / (len(speeds) * sum(speed**2 for speed in speeds)) if speeds else 1.0


def erlang_c(servers: int, load: float) -> float:
    """The share of callers who wait in M/M/c, load in erlangs below `servers` (A. K. Erlang, 1917)."""
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


class System:
    """The queues and the functions behind them. A user has so many jobs under way in each lane; all others wait."""

    def __init__(self, limits: Limits, *, render_seconds: float = RENDER_SECONDS, seed: int = 1, steady: bool = True):
        """`steady`: a render takes as long as another; otherwise an exponential time, as theory has it."""
        self.environment = simpy.Environment()
        self._account = simpy.Resource(self.environment, ACCOUNT_CONCURRENCY)
        self._renderers = {False: self._source(limits.render), True: self._source(limits.high_render)}
        self._workers = {False: self._source(limits.worker), True: self._source(limits.high_worker)}
        self._active: dict[tuple[int, bool], int] = {}
        self._waiting: dict[tuple[int, bool], deque[float]] = {}
        self._limits, self._render_seconds, self._steady = limits, render_seconds, steady
        self._draw = random.Random(seed)
        self.outcome = Outcome()

    def _source(self, concurrency: int) -> simpy.Resource:
        return simpy.Resource(self.environment, min(concurrency, SOURCE_CONCURRENCY))

    def feed(self, jobs: Iterator[tuple[float, int, bool]]) -> Generator[Any, Any]:
        """Let jobs come as they do."""
        for at, user, high in jobs:
            yield self.environment.timeout(max(at - self.environment.now, 0))
            self.outcome.accepted += 1
            key = (user, high)
            if self._active.get(key, 0) >= self._limits.active_jobs:
                self._waiting.setdefault(key, deque()).append(at)
            else:
                self._begin(key, at)
            queued = self.outcome.accepted - self.outcome.completed
            self.outcome.busiest = max(self.outcome.busiest, queued)

    def _begin(self, key: tuple[int, bool], accepted_at: float) -> None:
        self._active[key] = self._active.get(key, 0) + 1
        self.environment.process(self._work(key, accepted_at))

    def _work(self, key: tuple[int, bool], accepted_at: float) -> Generator[Any, Any]:
        user, high = key
        yield from self._run(self._workers[high], WORKER_SECONDS)
        yield self.environment.timeout(PICK_UP_SECONDS)
        with self._renderers[high].request() as renderer:
            yield renderer
            with self._account.request() as room:  # after the source's own: who waits in a queue takes no room
                yield room
                self.outcome.waits.append((accepted_at, self.environment.now - accepted_at, high, user))
                seconds = self._render_seconds
                seconds = seconds if self._steady else self._draw.expovariate(1 / seconds)
                self.outcome.busy_seconds += seconds
                yield self.environment.timeout(seconds)
        yield from self._run(self._workers[high], WORKER_SECONDS)
        self.outcome.completed += 1
        self._active[key] -= 1
        if self._waiting.get(key):
            self._begin(key, self._waiting[key].popleft())

    def _run(self, source: simpy.Resource, seconds: float) -> Generator[Any, Any]:
        yield self.environment.timeout(PICK_UP_SECONDS)
        with source.request() as function:
            yield function
            with self._account.request() as room:
                yield room
                yield self.environment.timeout(seconds)


def simulate(day: Day, limits: Limits, **system: Any) -> Outcome:
    """A day, until its last job is done."""
    made = System(limits, **system)
    made.environment.process(made.feed(arrivals(day)))
    made.environment.run()
    return made.outcome


def sufficient_render(day: Day, render_seconds: float = RENDER_SECONDS) -> int:
    """Renderers of which the busiest hour uses seven in ten."""
    return math.ceil(PEAK * day.jobs / day.seconds * render_seconds / 0.7)


def main() -> None:
    """Simulate the day with the template's defaults at a tenth of the load, then as docs/scaling.md turns them."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity.simulation")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="a day")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    day = Day(jobs=given.jobs)
    table = Table(*COLUMNS)
    turned = Limits.of_template(render=sufficient_render(day), high_render=20, worker=100)
    outcomes = {
        f"{given.jobs // 10:,} jobs, the defaults": (
            Day(jobs=given.jobs // 10, users=day.users // 10),
            Limits.of_template(),
        ),
        f"{given.jobs:,} jobs, turned": (day, turned),
    }
    results = {name: simulate(*each) for name, each in outcomes.items()}
    for name, outcome in results.items():
        of_day, limits = outcomes[name]
        table.add_row(name, str(limits.render), *summary(outcome, limits, of_day))
    Console().print(table)
    factors = [0.05, 0.1, 0.13, 0.15, 0.2, 0.5, 1.0, 1.3, 1.5]
    knee = [(factor, knee_of(day, factor, Limits.of_template()), knee_of(day, factor, turned)) for factor in factors]
    scale = Table("of a million jobs a day", "p95 with the defaults, s", "p95 turned, s")
    for factor, default, better in knee:
        scale.add_row(f"{factor:.0%}", f"{default:,.1f}", f"{better:,.1f}")
    Console().print(scale)
    if given.plot:
        draw(given.plot, results, knee)


COLUMNS = ("a day with", "renderers", "in use", "p50", "p95", "p99", "high p99", "flooder p50", "Jain", "most queued")


def summary(outcome: Outcome, limits: Limits, day: Day) -> list[str]:
    """The cells of the table."""
    waits, high = outcome.waits_of(high=False), outcome.waits_of(high=True)
    flooder = outcome.waits_of(user=FLOODER)
    used = outcome.busy_seconds / day.seconds / (limits.render + limits.high_render)
    cells = [f"{used:.0%}", *(f"{percentile(waits, share):.1f} s" for share in (0.5, 0.95, 0.99))]
    cells += [f"{percentile(high, 0.99):.1f} s", f"{percentile(flooder, 0.5):.0f} s", f"{fairness(outcome):.3f}"]
    return [*cells, f"{outcome.busiest:,}"]


def knee_of(day: Day, factor: float, limits: Limits) -> float:
    """The 95th percentile of the waits in the busiest two hours, at a share of the load."""
    jobs = int(day.jobs * factor * PEAK / 12)
    hours = Day(jobs=jobs, users=day.users, seconds=7_200, curved=False, seed=day.seed)
    return percentile(simulate(hours, limits).waits_of(high=False), 0.95)


def draw(path: Path, results: Mapping[str, Outcome], knee: Sequence[tuple[float, float, float]]) -> None:
    """Waits over the first of the days, their distribution on the second, and where it saturates."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    (default_day, quiet), (turned_day, outcome) = results.items()
    hours: dict[int, list[float]] = {}
    for at, wait, high, user in quiet.waits:
        if not high and user != FLOODER:
            hours.setdefault(int(at // 1_800), []).append(wait)
    for share, colour in ((0.5, "#1f5fa8"), (0.95, "#2f8f4e"), (0.99, "#c4551d")):
        steps = sorted(hours)
        values = [percentile(sorted(hours[step]), share) for step in steps]
        left.plot([step / 2 for step in steps], values, color=colour, label=f"p{share:.0%}".replace("%", ""))
    left.set(title=f"wait, s: {default_day}", xlabel="hour of the day")
    for name, waits in (
        ("normal", outcome.waits_of(high=False)),
        ("high", outcome.waits_of(high=True)),
        ("who asked for 250 at once", outcome.waits_of(user=FLOODER)),
    ):
        slots = [index / 200 for index in range(200)]
        middle.plot([percentile(waits, share) + 0.01 for share in slots], slots, label=name)
    middle.set(title=f"share that waited less: {turned_day}", xlabel="s", xscale="log")
    right.loglog([factor * 1e6 for factor, _, _ in knee], [default + 0.01 for _, default, _ in knee], label="defaults")
    right.loglog([factor * 1e6 for factor, _, _ in knee], [turned + 0.01 for _, _, turned in knee], label="turned")
    right.set(title="p95 wait in the busiest two hours, s", xlabel="jobs a day")
    for axes in (left, middle, right):
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
