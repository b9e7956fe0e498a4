"""Simulation of a day with many jobs: waits, fairness and saturation: `python -m bench.capacity.simulation`.

Jobs take the path that docs/explanation/architecture.md describes: a slot of their user, a worker, a renderer, a
worker again. The activity of the users is skewed (Zipf), the load peaks in the afternoon, and one user submits 250
jobs at once. The durations of the steps are those of docs/performance.md. Each running function counts against the
concurrency of its event source and of the account.
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
"""Lambda's default for an account, which AWS raises on request: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
SOURCE_CONCURRENCY = 1_250
"""Maximum of an event source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
WORKER_SECONDS, PICK_UP_SECONDS = 0.03, 0.04
"""Duration of a worker's step; time from sending a message to the start of its function."""
RENDER_SECONDS = 3.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the system: concurrency by event source, and slots per user and priority."""

    render: int
    high_render: int
    worker: int
    high_worker: int
    active_jobs: int

    @classmethod
    def of_template(cls, **changes: int) -> "Limits":
        """Return the limits of the template's defaults, with `changes` by field name applied."""
        template = read_template(ROOT / "template.yaml")
        parameters, concurrency = template["Parameters"], template["Mappings"]["Release"]["Concurrency"]
        limits = {
            "render": parameters["RenderConcurrency"]["Default"],
            "high_render": concurrency["HighRender"],
            "worker": parameters["WorkerConcurrency"]["Default"],
            "high_worker": concurrency["HighWorker"],
            "active_jobs": parameters["ActiveJobsPerUser"]["Default"],
        }
        return cls(**({field: int(limit) for field, limit in limits.items()} | changes))


@dataclass(slots=True)
class Outcome:
    """Result of a simulated day. A wait is the time from a job's creation to the start of its rendering, in seconds."""

    accepted: int = 0
    completed: int = 0
    waits: list[tuple[float, float, bool, int]] = field(default_factory=list)
    """One tuple per job: creation time, wait, whether the priority is high, user."""
    busy_seconds: float = 0.0
    busiest: int = 0
    """Maximum number of unfinished jobs at a time."""

    def waits_of(self, *, high: bool | None = None, user: int | None = None) -> list[float]:
        """Return the sorted waits of `user` in seconds, or of all users except the flooder if `user` is None.

        The flooder is the user that submits 250 jobs at once. `high` selects one priority; None selects both.
        """
        return sorted(
            wait
            for _, wait, is_high, owner in self.waits
            if (high is None or is_high is high) and (owner != FLOODER if user is None else owner == user)
        )


def percentile(waits: Sequence[float], share: float) -> float:
    """Return the percentile `share`, from 0 to 1, of sorted waits; 0 if there are none."""
    return waits[min(int(share * len(waits)), len(waits) - 1)] if waits else 0.0


def fairness(outcome: Outcome) -> float:
    """Return Jain's fairness index of the users' speeds, 1 / (1 + mean wait in minutes); 1 if all are equal."""
    of_user: dict[int, list[float]] = {}
    for _, wait, _, user in outcome.waits:
        of_user.setdefault(user, []).append(wait)
    speeds = [1 / (1 + fmean(waits) / 60) for waits in of_user.values()]
    return sum(speeds) ** 2 / (len(speeds) * sum(speed**2 for speed in speeds)) if speeds else 1.0


def erlang_c(servers: int, load: float) -> float:
    """Return the share (0 to 1) of callers that wait in an M/M/c queue (A. K. Erlang, 1917).

    `load` is in erlangs and must be below `servers`.
    """
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


class System:
    """Simulated system: queues and their functions, with slots per user and priority. Additional jobs wait in order."""

    def __init__(self, limits: Limits, *, render_seconds: float = RENDER_SECONDS, seed: int = 1, steady: bool = True):
        """Create an idle system.

        If `steady`, each render takes `render_seconds`; otherwise its duration is exponential with that mean, as in
        an M/M/c queue.
        """
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
        """Submit jobs at their times, as a SimPy process. A job is (seconds, user, whether the priority is high)."""
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
            # Requested after the renderer, because a message that waits in a queue uses no concurrency of the account.
            with self._account.request() as execution:
                yield execution
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
            with self._account.request() as execution:
                yield execution
                yield self.environment.timeout(seconds)


def simulate(day: Day, limits: Limits, **system: Any) -> Outcome:
    """Simulate a day until its last job has completed, and return the outcome.

    `system` contains keyword arguments of `System`.
    """
    model = System(limits, **system)
    model.environment.process(model.feed(arrivals(day)))
    model.environment.run()
    return model.outcome


def sufficient_render(day: Day, render_seconds: float = RENDER_SECONDS) -> int:
    """Return the number of renderers of which the busiest moment of the day uses 70 %."""
    return math.ceil(PEAK * day.jobs / day.seconds * render_seconds / 0.7)


def main() -> None:
    """Simulate a tenth of the load with the template's defaults, and all with those of docs/explanation/scaling.md.

    Print the waits of both days, and those at other loads, and draw the charts if `--plot` is given.

    Raises:
        SystemExit: 2 for invalid arguments, 0 after `--help`.
        ImportError: If `--plot` is given and Matplotlib is not installed.
        OSError, ValueError: If the image can't be written.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.capacity.simulation")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="jobs per day (default: 1,000,000)")
    parser.add_argument("--plot", type=Path, help="write the charts to this image file")
    arguments = parser.parse_args()
    day = Day(jobs=arguments.jobs)
    tuned = Limits.of_template(render=sufficient_render(day), high_render=20, worker=100)
    scenarios = {
        f"{arguments.jobs // 10:,} jobs, the defaults": (
            Day(jobs=arguments.jobs // 10, users=day.users // 10),
            Limits.of_template(),
        ),
        f"{arguments.jobs:,} jobs, tuned": (day, tuned),
    }
    results = {name: simulate(*scenario) for name, scenario in scenarios.items()}
    lines: list[Sequence[str]] = [COLUMNS]
    for name, outcome in results.items():
        scenario_day, limits = scenarios[name]
        lines.append((name, str(limits.render), *summary(outcome, limits, scenario_day)))
    headings, *cells = zip(*lines, strict=True)  # one column per day, which fits in 80 characters
    table = Table(*headings)
    for line in cells:
        table.add_row(*line)
    Console().print(table)
    factors = [0.05, 0.1, 0.13, 0.15, 0.2, 0.5, 1.0, 1.3, 1.5]
    knee = [(factor, knee_of(day, factor, Limits.of_template()), knee_of(day, factor, tuned)) for factor in factors]
    scale = Table("share of the load", "p95 with the defaults, s", "p95 tuned, s")
    for factor, default_wait, tuned_wait in knee:
        scale.add_row(f"{factor:.0%}", f"{default_wait:,.1f}", f"{tuned_wait:,.1f}")
    Console().print(scale)
    if arguments.plot:
        draw(arguments.plot, results, knee)


COLUMNS = ("a day with", "renderers", "in use", "p50", "p95", "p99", "high p99", "flooder p50", "Jain", "most queued")


def summary(outcome: Outcome, limits: Limits, day: Day) -> list[str]:
    """Return the cells of a day's row as texts, from the third column of `COLUMNS` on."""
    waits, high = outcome.waits_of(high=False), outcome.waits_of(high=True)
    flooder = outcome.waits_of(user=FLOODER)
    used = outcome.busy_seconds / day.seconds / (limits.render + limits.high_render)
    cells = [f"{used:.0%}", *(f"{percentile(waits, share):.1f} s" for share in (0.5, 0.95, 0.99))]
    cells += [f"{percentile(high, 0.99):.1f} s", f"{percentile(flooder, 0.5):.0f} s", f"{fairness(outcome):.3f}"]
    return [*cells, f"{outcome.busiest:,}"]


def knee_of(day: Day, factor: float, limits: Limits) -> float:
    """Return the 95th percentile of normal jobs' waits in seconds, with `factor` times the day's load at its peak rate.

    Two hours are simulated. The rate is constant.
    """
    jobs = int(day.jobs * factor * PEAK / 12)
    hours = Day(jobs=jobs, users=day.users, seconds=7_200, curved=False, seed=day.seed)
    return percentile(simulate(hours, limits).waits_of(high=False), 0.95)


def draw(path: Path, results: Mapping[str, Outcome], knee: Sequence[tuple[float, float, float]]) -> None:
    """Draw the waits over the first day, their distribution on the second, and the saturation; write them to `path`.

    `results` contains exactly two days. `knee` contains tuples of the load relative to the day's, and the 95th
    percentiles of the waits with the defaults and tuned, in seconds.

    Raises:
        ImportError: If Matplotlib is not installed.
        OSError, ValueError: If the file can't be written, or its suffix is not an image format.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    (default_day, default_outcome), (tuned_day, outcome) = results.items()
    hours: dict[int, list[float]] = {}
    for at, wait, high, user in default_outcome.waits:
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
        ("user with 250 jobs at once", outcome.waits_of(user=FLOODER)),
    ):
        shares = [index / 200 for index in range(200)]
        middle.plot([percentile(waits, share) + 0.01 for share in shares], shares, label=name)
    middle.set(title=f"share that waited less: {tuned_day}", xlabel="s", xscale="log")
    right.loglog([factor * 1e6 for factor, _, _ in knee], [default + 0.01 for _, default, _ in knee], label="defaults")
    right.loglog([factor * 1e6 for factor, _, _ in knee], [tuned + 0.01 for _, _, tuned in knee], label="tuned")
    right.set(title="p95 wait in the busiest two hours, s", xlabel="jobs a day")
    for axes in (left, middle, right):
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()
