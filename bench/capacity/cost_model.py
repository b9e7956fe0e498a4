"""The cost of a thousand to a hundred million jobs a month: `python -m bench.capacity.cost_model [--jobs N]`.

A job is a video of eight seconds at 720p, asked about ten times and watched once. What a job makes of messages and
changes was counted in the logs of the deployed local system (124 jobs of `sketch`); durations are those of
docs/performance.md, rounded up.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.capacity.prices import ATLAS, PRICES, ClusterTier

DECADES = tuple(10**exponent for exponent in range(3, 9))
HOURS = 730
"""Of a month."""
SECONDS = HOURS * 3600
OPERATIONS = 1_500
"""Of ours that one processor of the database does in a second: an assumption, to be measured on one's own cluster."""
PEAK = 4
"""The busiest hour over the mean."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one job makes of everything; each can be turned."""

    status_calls: float = 10
    steps: float = 3
    """Messages to worker and render: start, render, finish. A provider that is asked every 20 s adds one for each."""
    changes: float = 5.3
    """Announced: queued, begun, progress, completed."""
    render_seconds: float = 3.5
    video_gb: float = 0.002
    kept_months: float = 1
    log_kb: float = 14
    """About 30 lines of 450 bytes."""
    live_minutes: float = 1
    database_operations: float = 45
    """Reads and writes: 4 to take it, 5 a step, 3 a change, 1 for each question about it."""
    provider_dollars: float = 0.0


SKETCH = Job()
AI = Job(steps=7, render_seconds=2.5, video_gb=0.004, log_kb=20, database_operations=65, provider_dollars=0.80)
"""Eight seconds at ten cents each, at a provider that calls back; it takes a minute."""

LIGHT_MB, RENDER_MB, SCRATCH_GB = 512, 1769, 3.5
LIGHT_SECONDS, STATUS_SECONDS = 0.03, 0.02
QUEUES, POLLERS = 12, 2
"""Event sources ask their queues also when nothing is there: each poller every 20 s."""
METRICS, ALARMS, SECRETS = 40, 60, 4


def lambda_calls(job: Job) -> float:
    """Invocations of a job but for render's: one to take it, its questions, its steps, what is told."""
    return 1 + job.status_calls + (job.steps - 1) + job.changes


def sqs_requests(jobs: float, job: Job) -> float:
    """Of a month: each message is sent, received and deleted; and empty queues are asked."""
    return 3 * (job.steps + job.changes) * jobs + QUEUES * POLLERS * SECONDS / 20


def operations_per_second(jobs: float, job: Job) -> float:
    """Of the database, in the busiest hour."""
    return PEAK * jobs * job.database_operations / SECONDS


def environments(jobs: float, job: Job) -> float:
    """Lambda environments that are alive in the busiest hour: those at work by Little's law, and as many idle ones."""
    busy_seconds = lambda_calls(job) * LIGHT_SECONDS + job.render_seconds
    return 2 * PEAK * jobs * busy_seconds / SECONDS + 10


def find_tier(jobs: float, job: Job) -> tuple[ClusterTier, int]:
    """The smallest cluster, and how many of them (shards), of which the busiest hour uses half."""
    connections, operations = 2 * environments(jobs, job), operations_per_second(jobs, job)
    needed = [
        max(ceil(2 * connections / tier.connections), ceil(2 * operations / (OPERATIONS * tier.processors)))
        for tier in ATLAS
    ]
    alone = [tier for tier, clusters in zip(ATLAS, needed, strict=True) if clusters <= 1]
    return (alone[0], 1) if alone else (ATLAS[-1], needed[-1])


def cost_of(jobs: float, job: Job = SKETCH) -> Mapping[str, float]:
    """Dollars of a month by what they are for."""
    price = {name: each.of for name, each in PRICES.items()}
    light, calls = LIGHT_MB / 1024, lambda_calls(job)
    light_seconds = (job.status_calls * STATUS_SECONDS + (calls - job.status_calls) * LIGHT_SECONDS) * jobs
    render = jobs * job.render_seconds * RENDER_MB / 1024
    tier, clusters = find_tier(jobs, job)
    gb = job.video_gb * jobs
    return {
        "API": price["api_call"](jobs * (1 + job.status_calls)),
        "live updates": price["socket_message"](jobs * (job.changes + 2))
        + price["socket_minute"](jobs * job.live_minutes),
        "Lambda": price["gb_second"](light_seconds * light + render)
        + price["invocation"](jobs * (calls + 1))
        + price["scratch_gb_second"](jobs * job.render_seconds * SCRATCH_GB),
        "SQS": price["sqs_request"](sqs_requests(jobs, job)),
        "S3": price["stored_gb"](gb * job.kept_months) + price["put"](3 * jobs) + price["get"](3 * jobs),
        "viewers": price["gb_out"](gb),
        "MongoDB": clusters * tier.hourly * HOURS,
        "watching": price["log_gb"](jobs * job.log_kb / 1e6)
        + price["metric"](METRICS)
        + price["alarm"](ALARMS)
        + price["trace"](0.05 * jobs * calls)
        + price["secret"](SECRETS),
        "provider": jobs * job.provider_dollars,
    }


def dominating(cost: Mapping[str, float]) -> str:
    """The largest part and its share of all."""
    name = max(cost, key=lambda part: cost[part])
    return f"{name} {cost[name] / sum(cost.values()):.0%}"


def rows(job: Job = SKETCH) -> list[tuple[str, ...]]:
    """The table: jobs a month, each part, together, per thousand jobs, the cluster, what dominates."""
    found = []
    for jobs in DECADES:
        cost = cost_of(jobs, job)
        tier, clusters = find_tier(jobs, job)
        together = sum(cost.values())
        cluster = tier.name if clusters == 1 else f"{clusters} × {tier.name}"
        parts = tuple(_dollars(cost[part]) for part in PARTS)
        found.append(
            (f"{jobs:,}", *parts, _dollars(together), _dollars(1000 * together / jobs), cluster, dominating(cost))
        )
    return found


PARTS = ("API", "live updates", "Lambda", "SQS", "S3", "viewers", "MongoDB", "watching")
COLUMNS = ("jobs a month", *PARTS, "together", "per 1,000", "cluster", "most of it")


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"


def as_markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table as docs/scaling.md has it."""
    return "\n".join(
        [
            "| " + " | ".join(columns) + " |",
            "|" + "---|" * len(columns),
            *("| " + " | ".join(line) + " |" for line in lines),
        ]
    )


def draw(path: Path) -> None:
    """The curve: dollars a month and per thousand jobs, and below it what they are for."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    at = [10 ** (3 + step / 20) for step in range(101)]
    costs = [cost_of(jobs) for jobs in at]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 2), layout="constrained")
    above.loglog(at, [sum(cost.values()) for cost in costs], color="#1f5fa8", label="dollars a month")
    per_thousand = [1000 * sum(cost.values()) / jobs for jobs, cost in zip(at, costs, strict=True)]
    above.loglog(at, per_thousand, color="#c4551d", label="dollars per 1,000 jobs")
    above.set_title("Video Jobs: list prices of us-east-1, 8 s of 720p by sketch, asked about ten times, watched once")
    above.grid(visible=True, which="major", alpha=0.3)
    above.legend(frameon=False)
    slots = [[cost[part] / sum(cost.values()) for cost in costs] for part in PARTS]
    below.stackplot(at, slots, labels=PARTS, alpha=0.85)
    below.set(xlabel="jobs a month", ylabel="share", ylim=(0, 1), xlim=(at[0], at[-1]))
    below.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Print the table, and draw the curve where it is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity.cost_model", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--jobs", type=float, help="a month; without it the table of all decades")
    parser.add_argument(
        "--ai", action="store_true", help="videos of a provider at ten cents a second instead of the sketch"
    )
    parser.add_argument("--plot", type=Path, help="where to draw the curve")
    given = parser.parse_args()
    job = AI if given.ai else SKETCH
    table = Table(*(COLUMNS if given.jobs is None else ("part", "dollars a month")))
    lines = (
        rows(job) if given.jobs is None else [(name, _dollars(each)) for name, each in cost_of(given.jobs, job).items()]
    )
    for line in lines:
        table.add_row(*line)
    console = Console()
    console.print(table, width=max(console.width, 150))  # a narrow terminal would cut figures off
    if given.plot:
        draw(given.plot)


if __name__ == "__main__":
    main()
