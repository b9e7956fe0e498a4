"""The operators' view in the terminal: what lies in the queues, how the jobs stand, who works, and for how long."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymongo
import pymongo.errors
from pymongo.database import Database
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.processes import MarkedProcess, find_processes, read_memory
from localcloud.progress import console
from localcloud.stack import Stack

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5
_STATUSES = ("queued", "processing", "completed", "failed", "cancelled")
_LIVE = ("queued", "processing")
_STYLES = {"queued": "yellow", "processing": "cyan", "completed": "green", "failed": "red", "cancelled": "dim"}
_WORRYING_SECONDS = 60
"""A message or a job that is older is shown in red: the reconciler should have seen to it by now."""

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueueLook:
    """One queue: messages that can be taken, that somebody works on, that are yet to come, and the oldest's age."""

    name: str
    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None

    @classmethod
    def of(cls, name: str, messages: Iterable[Document], now: float) -> "QueueLook":
        """What the local AWS says of each message, counted."""
        kinds = {"waiting": 0, "in_flight": 0, "delayed": 0}
        oldest = now
        for message in messages:
            kinds["waiting" if message["IsVisible"] else "in_flight" if message["ReceiveCount"] else "delayed"] += 1
            oldest = min(oldest, message["SentTimestamp"])
        return cls(name, **kinds, oldest_seconds=now - oldest if any(kinds.values()) else None)


@dataclass(frozen=True, slots=True)
class JobsLook:
    """The jobs by status, how long the oldest live one has been, and what is still to be told of them."""

    by_status: Mapping[str, int]
    oldest_live_seconds: float | None
    unannounced: int
    connections: int
    webhooks_given_up: int


@dataclass(frozen=True, slots=True)
class WorkersLook:
    """A function's processes and the memory that they hold together."""

    function: str
    processes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Look:
    """The whole system at one moment."""

    at: datetime
    jobs: JobsLook
    queues: list[QueueLook]
    workers: list[WorkersLook]


def watch(config: CloudConfig, stack: Stack) -> None:
    """Show the system until interrupted; where nobody watches (no terminal), show it once.

    Raises:
        LocalCloudError: it has ended meanwhile.
    """
    with pymongo.MongoClient[Document](stack.mongo_uri, timeoutMS=_ANSWER_SECONDS * 1000) as client:
        database = client.get_default_database()
        if not sys.stdout.isatty():
            console.print(draw_look(take_look(config, stack, database), stack))
            return
        with Live(console=console, screen=True, auto_refresh=False) as shown:
            while True:
                shown.update(draw_look(take_look(config, stack, database), stack), refresh=True)
                time.sleep(_LOOK_SECONDS)


def take_look(config: CloudConfig, stack: Stack, database: Database[Document]) -> Look:
    """How it stands.

    Raises:
        LocalCloudError: the local AWS or the database does not answer.
    """
    now = datetime.now(UTC)
    try:
        queues = list(_look_at_queues(stack, now.timestamp()))
        jobs = _look_at_jobs(database, now)
    except (OSError, pymongo.errors.PyMongoError) as error:
        raise LocalCloudError(f"The local system does not answer: {error}\nTry:  make down up") from error
    return Look(now, jobs, queues, count_workers(find_processes(config.state), stack.functions))


def _look_at_queues(stack: Stack, now: float) -> Iterator[QueueLook]:
    # MiniStack's own window into SQS: to look takes nothing, and hides nothing from who receives.
    with urllib.request.urlopen(f"{stack.aws_endpoint_url}/_ministack/sqs/messages", timeout=_ANSWER_SECONDS) as answer:
        accounts = json.load(answer)["messages"]
    messages = {
        url: each for regions in accounts.values() for queues in regions.values() for url, each in queues.items()
    }
    for name, url in stack.queues.items():
        yield QueueLook.of(name, messages.get(url, []), now)


def _look_at_jobs(database: Database[Document], now: datetime) -> JobsLook:
    jobs = database["videojobs"]
    counted = {each["_id"]: each["count"] for each in jobs.aggregate([{"$sortByCount": "$status"}])}
    oldest = [
        found["createdAt"]
        for status in _LIVE
        for found in jobs.find({"status": status}, {"createdAt": True}).sort("createdAt", 1).limit(1)
    ]
    return JobsLook(
        by_status=counted,
        oldest_live_seconds=max(((now - at.replace(tzinfo=UTC)).total_seconds() for at in oldest), default=None),
        unannounced=jobs.count_documents({"outbox.at": {"$lt": now}}),
        connections=database["connections"].count_documents({"expiresAt": {"$gt": now}}),
        webhooks_given_up=database["webhookfailures"].count_documents({}),
    )


def count_workers(processes: Iterable[MarkedProcess], functions: Mapping[str, str]) -> list[WorkersLook]:
    """The processes that run functions, by the functions' own names."""
    running = list(processes)
    looks = []
    for name, deployed in functions.items():
        own = [process for process in running if process.function == deployed]
        looks.append(WorkersLook(name, len(own), sum(map(read_memory, own))))
    return looks


def draw_look(look: Look, stack: Stack) -> Group:
    """The look as tables, for any width."""
    title = Text.assemble(("Video Jobs", "bold"), f"  {stack.api_url}  ", (f"{look.at.astimezone():%H:%M:%S}", "dim"))
    return Group(title, "", _draw_jobs(look.jobs), "", _draw_queues(look.queues), "", _draw_workers(look.workers))


def _draw_jobs(jobs: JobsLook) -> Group:
    shown = (*_STATUSES, *sorted(set(jobs.by_status) - set(_STATUSES)))
    counts = [(f"{jobs.by_status.get(status, 0):,} {status}   ", _STYLES.get(status, "")) for status in shown]
    oldest = Text.assemble("oldest that is not done: ", _age(jobs.oldest_live_seconds))
    rest = f"to be announced: {jobs.unannounced}   live connections: {jobs.connections}   "
    given_up = (f"webhooks given up: {jobs.webhooks_given_up}", "red" if jobs.webhooks_given_up else "")
    return Group(Text.assemble(*counts), oldest, Text.assemble(rest, given_up))


def _draw_queues(queues: Iterable[QueueLook]) -> Table:
    table = Table("queue", box=None, pad_edge=False, header_style="bold")
    for column in ("waiting", "in flight", "delayed", "oldest"):
        table.add_column(column, justify="right")
    for queue in queues:
        dead = "deadletter" in queue.name.lower() and queue.oldest_seconds is not None
        numbers = (_number(queue.waiting), _number(queue.in_flight), _number(queue.delayed))
        table.add_row(queue.name, *numbers, _age(queue.oldest_seconds), style="red" if dead else "")
    return table


def _draw_workers(workers: Iterable[WorkersLook]) -> Table:
    table = Table("function", box=None, pad_edge=False, header_style="bold")
    for column in ("workers", "memory"):
        table.add_column(column, justify="right")
    for each in workers:
        memory = f"{each.memory_bytes / 1e6:.0f} MB" if each.processes else ""
        table.add_row(each.function, _number(each.processes), memory)
    return table


def _number(count: int) -> Text:
    return Text(f"{count:,}", style="" if count else "dim")


def _age(seconds: float | None) -> Text:
    if seconds is None:
        return Text("-", style="dim")
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {left:02} s" if minutes else f"{left} s"
    return Text(words, style="red" if seconds > _WORRYING_SECONDS else "")
