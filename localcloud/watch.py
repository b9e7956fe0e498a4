"""Live view of the local system in the terminal: queues, jobs by status, and the functions' workers."""

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
from rich.columns import Columns
from rich.console import Group
from rich.live import Live
from rich.text import Text

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.processes import MarkedProcess, find_processes, read_memory
from localcloud.progress import console
from localcloud.stack import Stack
from localcloud.tables import FittingTable

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5
_STATUSES = ("queued", "processing", "completed", "failed", "cancelled")
_LIVE = ("queued", "processing")
_STYLES = {"queued": "yellow", "processing": "cyan", "completed": "green", "failed": "red", "cancelled": "dim"}
_WORRYING_SECONDS = 60
"""Age from which a message or job is shown in red, because the reconciler should have recovered it by then."""

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueueLook:
    """Numbers of visible, in-flight and delayed messages in a queue, and the age of the oldest one in seconds.

    The age is None if the queue is empty.
    """

    name: str
    waiting: int
    in_flight: int
    delayed: int
    oldest_seconds: float | None

    @classmethod
    def of(cls, name: str, messages: Iterable[Document], now: float) -> "QueueLook":
        """Count the messages of a queue, given as MiniStack lists them; `now` is in seconds since 1970."""
        kinds = {"waiting": 0, "in_flight": 0, "delayed": 0}
        oldest = now
        for message in messages:
            kinds["waiting" if message["IsVisible"] else "in_flight" if message["ReceiveCount"] else "delayed"] += 1
            oldest = min(oldest, message["SentTimestamp"])
        return cls(name, **kinds, oldest_seconds=now - oldest if any(kinds.values()) else None)


@dataclass(frozen=True, slots=True)
class JobsLook:
    """Counts of jobs by status, of unpublished changes, of live connections and of webhooks given up.

    `oldest_live_seconds` is the age of the oldest queued or processing job; None if there is none.
    """

    by_status: Mapping[str, int]
    oldest_live_seconds: float | None
    unannounced: int
    connections: int
    webhooks_given_up: int


@dataclass(frozen=True, slots=True)
class WorkersLook:
    """Number of worker processes of a function, and their resident memory in total."""

    function: str
    processes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Look:
    """State of the whole system at one time."""

    at: datetime
    jobs: JobsLook
    queues: list[QueueLook]
    workers: list[WorkersLook]


def watch(config: CloudConfig, stack: Stack) -> None:
    """Show the state of the system, refreshed each second until interrupted; without a terminal, print it once.

    Raises:
        LocalCloudError: If the local AWS or the database does not respond.
        PyMongoError: If the database's connection string is invalid.
        KeyboardInterrupt: If Ctrl-C ends it.
    """
    with pymongo.MongoClient[Document](stack.mongo_uri, timeoutMS=_ANSWER_SECONDS * 1000) as client:
        database = client.get_default_database(config.database)
        if not sys.stdout.isatty():
            console.print(draw_look(take_look(config, stack, database), stack))
            return
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(draw_look(take_look(config, stack, database), stack), refresh=True)
                time.sleep(_LOOK_SECONDS)


def take_look(config: CloudConfig, stack: Stack, database: Database[Document]) -> Look:
    """Read the current state of queues, jobs and workers.

    Raises:
        LocalCloudError: If the local AWS or the database does not respond.
    """
    now = datetime.now(UTC)
    try:
        queues = list(_look_at_queues(stack, now.timestamp()))
        jobs = _look_at_jobs(database, now)
    except (OSError, pymongo.errors.PyMongoError) as error:
        raise LocalCloudError(f"The local system does not respond: {error}\nRestart it:  make down up") from error
    return Look(now, jobs, queues, count_workers(find_processes(config.state), stack.functions))


def _look_at_queues(stack: Stack, now: float) -> Iterator[QueueLook]:
    # This endpoint of MiniStack lists messages without receiving them, so they stay visible to their consumers.
    url = f"{stack.aws_endpoint_url}/_ministack/sqs/messages"
    with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as response:
        accounts = json.load(response)["messages"]
    messages = {
        queue_url: queued
        for regions in accounts.values()
        for queues in regions.values()
        for queue_url, queued in queues.items()
    }
    for name, queue_url in stack.queues.items():
        yield QueueLook.of(name, messages.get(queue_url, []), now)


def _look_at_jobs(database: Database[Document], now: datetime) -> JobsLook:
    jobs = database["videojobs"]
    by_status = {group["_id"]: group["count"] for group in jobs.aggregate([{"$sortByCount": "$status"}])}
    oldest = [
        job["createdAt"]
        for status in _LIVE
        for job in jobs.find({"status": status}, {"createdAt": True}).sort("createdAt", 1).limit(1)
    ]
    return JobsLook(
        by_status=by_status,
        oldest_live_seconds=max(((now - at.replace(tzinfo=UTC)).total_seconds() for at in oldest), default=None),
        unannounced=jobs.count_documents({"outbox.at": {"$lt": now}}),
        connections=database["connections"].count_documents({"expiresAt": {"$gt": now}}),
        webhooks_given_up=database["webhookfailures"].count_documents({}),
    )


def count_workers(processes: Iterable[MarkedProcess], functions: Mapping[str, str]) -> list[WorkersLook]:
    """Return the worker processes of each function; `functions` maps its short name to its deployed name.

    A function without workers is included. The memory of a process that has ended counts as 0.
    """
    running = list(processes)
    workers = []
    for name, deployed in functions.items():
        own = [process for process in running if process.function == deployed]
        workers.append(WorkersLook(name, len(own), sum(map(read_memory, own))))
    return workers


def draw_look(look: Look, stack: Stack) -> Group:
    """Return the state as tables of jobs, queues and workers that adapt to the width of the terminal."""
    title = Text.assemble(("Video Jobs", "bold"), f"  {stack.api_url}  ", (f"{look.at.astimezone():%H:%M:%S}", "dim"))
    return Group(title, "", _draw_jobs(look.jobs), "", _draw_queues(look.queues), "", _draw_workers(look.workers))


def _draw_jobs(jobs: JobsLook) -> Group:
    statuses = (*_STATUSES, *sorted(set(jobs.by_status) - set(_STATUSES)))
    counts = [Text(f"{jobs.by_status.get(status, 0):,} {status}", _STYLES.get(status, "")) for status in statuses]
    oldest = Text.assemble("oldest unfinished job: ", _age(jobs.oldest_live_seconds))
    others = (
        Text(f"unpublished changes: {jobs.unannounced:,}"),
        Text(f"live connections: {jobs.connections:,}"),
        Text(f"webhooks given up: {jobs.webhooks_given_up:,}", style="red" if jobs.webhooks_given_up else ""),
    )
    return Group(_draw_items(counts), oldest, _draw_items(others))


def _draw_items(items: Iterable[Text]) -> Columns:
    """Return short texts side by side, on as many lines as the width requires."""
    return Columns(items, padding=(0, 3))


def _draw_queues(queues: Iterable[QueueLook]) -> FittingTable:
    table = FittingTable(
        ("queue", "waiting", "in flight", "delayed", "oldest"), optional=frozenset({"in flight", "delayed"})
    )
    for queue in queues:
        is_dead_letter = "deadletter" in queue.name.lower() and queue.oldest_seconds is not None
        numbers = (_number(queue.waiting), _number(queue.in_flight), _number(queue.delayed))
        table.add_row(queue.name, *numbers, _age(queue.oldest_seconds), style="red" if is_dead_letter else "")
    return table


def _draw_workers(workers: Iterable[WorkersLook]) -> FittingTable:
    table = FittingTable(("function", "workers", "memory"))
    for worker in workers:
        memory = f"{worker.memory_bytes / 1e6:.0f} MB" if worker.processes else ""
        table.add_row(worker.function, _number(worker.processes), memory)
    return table


def _number(count: int) -> Text:
    return Text(f"{count:,}", style="" if count else "dim")


def _age(seconds: float | None) -> Text:
    if seconds is None:
        return Text("-", style="dim")
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    age = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    return Text(age, style="red" if seconds > _WORRYING_SECONDS else "")
