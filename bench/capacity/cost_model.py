"""Monthly cost of a thousand to a hundred million jobs: `python -m bench.capacity.cost_model [--jobs N]`.

A job is a video of eight seconds at 720p. Its status is read about ten times, and it is watched once. The messages and
changes per job were counted in the logs of the deployed local system (124 jobs of `sketch`). Durations are those of
docs/performance.md, rounded up.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.capacity.prices import ATLAS, PRICES, ClusterTier

DECADES = tuple(10**exponent for exponent in range(3, 9))
HOURS = 730
"""Hours per month."""
SECONDS = HOURS * 3600
OPERATIONS = 1_500
"""Operations per second and processor of the database. This is an assumption: measure it on your cluster."""
PEAK = 4
"""Rate of the busiest hour, as a multiple of the mean."""


@dataclass(frozen=True, slots=True)
class Job:
    """Resources that one job uses. Every field is a parameter of the model."""

    status_calls: float = 10
    steps: float = 3
    """Messages to worker and render: start, render, finish. A provider that is polled adds one per poll, every 20 s."""
    changes: float = 5.3
    """Published changes: queued, started, progress, completed."""
    render_seconds: float = 3.5
    video_gb: float = 0.002
    kept_months: float = 1
    log_kb: float = 14
    """About 30 lines of 450 bytes."""
    live_minutes: float = 1
    database_operations: float = 45
    """Reads and writes: 4 to create the job, 5 per step, 3 per change, 1 per status call."""
    provider_dollars: float = 0.0


SKETCH = Job()
AI = Job(steps=7, render_seconds=2.5, video_gb=0.004, log_kb=20, database_operations=65, provider_dollars=0.80)
"""Eight seconds at ten cents each, from a provider that sends callbacks and takes a minute."""

LIGHT_MB, RENDER_MB, SCRATCH_GB = 512, 1769, 3.5
LIGHT_SECONDS, STATUS_SECONDS = 0.03, 0.02
EVENT_SOURCES, POLLERS = 10, 5
"""Event sources, and pollers per source. Each poller receives from an empty queue every 20 s.

A source with a maximum concurrency never has fewer: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""
CONNECTIONS_PER_ENVIRONMENT = 3
"""Connections to the primary: two in the driver's pool, and the driver's monitor."""
METRICS, ALARM_METRICS, SECRETS = 40, 52, 4


def lambda_calls(job: Job) -> float:
    """Return the invocations per job without that of `render`: creation, status calls, other steps, changes."""
    return 1 + job.status_calls + (job.steps - 1) + job.changes


def sqs_requests(jobs: float, job: Job) -> float:
    """Return the requests per month: send, receive and delete of each message, and receives from empty queues."""
    return 3 * (job.steps + job.changes) * jobs + EVENT_SOURCES * POLLERS * SECONDS / 20


def operations_per_second(jobs: float, job: Job) -> float:
    """Return the database operations per second in the busiest hour; `jobs` are per month."""
    return PEAK * jobs * job.database_operations / SECONDS


def environments(jobs: float, job: Job) -> float:
    """Return the Lambda execution environments in the busiest hour.

    The busy environments by Little's law, as many idle ones, and ten more.
    """
    busy_seconds = lambda_calls(job) * LIGHT_SECONDS + job.render_seconds
    return 2 * PEAK * jobs * busy_seconds / SECONDS + 10


def find_tier(jobs: float, job: Job) -> tuple[ClusterTier, int]:
    """Return the smallest cluster tier and the number of clusters (shards) for `jobs` per month.

    The busiest hour uses at most half of the connections and of the operations. If no single cluster suffices, the
    clusters are of the largest tier.
    """
    connections, operations = CONNECTIONS_PER_ENVIRONMENT * environments(jobs, job), operations_per_second(jobs, job)
    needed = [
        max(ceil(2 * connections / tier.connections), ceil(2 * operations / (OPERATIONS * tier.processors)))
        for tier in ATLAS
    ]
    alone = [tier for tier, clusters in zip(ATLAS, needed, strict=True) if clusters <= 1]
    return (alone[0], 1) if alone else (ATLAS[-1], needed[-1])


def cost_of(jobs: float, job: Job = SKETCH) -> Mapping[str, float]:
    """Return the US dollars per month by part of the bill; `jobs` are per month."""
    price = {name: entry.of for name, entry in PRICES.items()}
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
        "monitoring": price["log_gb"](jobs * job.log_kb / 1e6)
        + price["metric"](METRICS)
        + price["alarm"](ALARM_METRICS)
        + price["trace"](0.05 * jobs * calls)
        + price["secret"](SECRETS),
        "provider": jobs * job.provider_dollars,
    }


def dominating(cost: Mapping[str, float]) -> str:
    """Return the largest part and its share of the total, for example `MongoDB 74%`."""
    name = max(cost, key=lambda part: cost[part])
    return f"{name} {cost[name] / sum(cost.values()):.0%}"


def rows(job: Job = SKETCH) -> list[tuple[str, ...]]:
    """Return the rows of the table for `DECADES`, with one text per column of `COLUMNS`."""
    lines = []
    for jobs in DECADES:
        cost = cost_of(jobs, job)
        tier, clusters = find_tier(jobs, job)
        total = sum(cost.values())
        cluster = tier.name if clusters == 1 else f"{clusters} × {tier.name}"
        parts = tuple(_dollars(cost[part]) for part in PARTS)
        lines.append((f"{jobs:,}", *parts, _dollars(total), _dollars(1000 * total / jobs), cluster, dominating(cost)))
    return lines


PARTS = ("API", "live updates", "Lambda", "SQS", "S3", "viewers", "MongoDB", "monitoring")
COLUMNS = ("jobs a month", *PARTS, "total", "per 1,000", "cluster", "largest part")


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"


def as_markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of the lines, which have one text per column."""
    return "\n".join(
        [
            "| " + " | ".join(columns) + " |",
            "|" + "---|" * len(columns),
            *("| " + " | ".join(line) + " |" for line in lines),
        ]
    )


def draw(path: Path) -> None:
    """Draw the cost per month and per thousand jobs, with the shares of the parts below; write the image to `path`.

    Raises:
        ImportError: If Matplotlib is not installed.
        OSError, ValueError: If the file can't be written, or its suffix is not an image format.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    at = [10 ** (3 + step / 20) for step in range(101)]
    costs = [cost_of(jobs) for jobs in at]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 2), layout="constrained")
    above.loglog(at, [sum(cost.values()) for cost in costs], color="#1f5fa8", label="dollars a month")
    per_thousand = [1000 * sum(cost.values()) / jobs for jobs, cost in zip(at, costs, strict=True)]
    above.loglog(at, per_thousand, color="#c4551d", label="dollars per 1,000 jobs")
    above.set_title("Video Jobs: list prices of us-east-1, 8 s of 720p by sketch, ten status calls, watched once")
    above.grid(visible=True, which="major", alpha=0.3)
    above.legend(frameon=False)
    slots = [[cost[part] / sum(cost.values()) for cost in costs] for part in PARTS]
    below.stackplot(at, slots, labels=PARTS, alpha=0.85)
    below.set(xlabel="jobs a month", ylabel="share", ylim=(0, 1), xlim=(at[0], at[-1]))
    below.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Print the table of costs, or the parts of the bill for `--jobs`, and draw the curve if `--plot` is given.

    Raises:
        SystemExit: 2 for invalid arguments, 0 after `--help`.
        ImportError: If `--plot` is given and Matplotlib is not installed.
        OSError, ValueError: If the image can't be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bench.capacity.cost_model", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--jobs", type=float, help="jobs per month (default: a table of 1,000 to 100,000,000)")
    parser.add_argument(
        "--ai", action="store_true", help="use an AI provider at ten cents per second instead of sketch"
    )
    parser.add_argument("--plot", type=Path, help="write the curve to this image file")
    arguments = parser.parse_args()
    job = AI if arguments.ai else SKETCH
    if arguments.jobs is None:
        # One column per decade, with the share of the largest part on a line of its own, fits in 80 characters.
        columns = [(*row[:-1], row[-1].replace(" ", "\n")) for row in rows(job)]
        lines = list(zip(COLUMNS, *columns, strict=True))
    else:
        lines = [
            ("part", "dollars a month"),
            *((part, _dollars(cost)) for part, cost in cost_of(arguments.jobs, job).items()),
        ]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, heading in enumerate(lines[0]):
        table.add_column(heading, justify="right" if number else "left")
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table)
    if arguments.plot:
        draw(arguments.plot)


if __name__ == "__main__":
    main()
