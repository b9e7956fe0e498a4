"""Growth: duration of the system's database calls with a thousand to a million jobs in the database.

`python -m bench.scaling [SIZE …]`. In a real system the ended jobs and their users accumulate, while the number of live
jobs stays the same. The generated databases have the same property. Set MONGODB_URI to measure a MongoDB server in
place of SecantusDB. The collections in its database `growth` are dropped and created again.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched, islice
from typing import Any

import pymongo.monitoring
from bson import ObjectId
from pymongo.database import Database
from rich.console import Console
from rich.table import Table

from bench.paths import HOME, cloud_config
from bench.services import bench_processes, database_uri
from localcloud.servers import ensure_mongo
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import to_document
from videojobs.adapters.mongo.indexes import INDEXES, ensure_indexes
from videojobs.adapters.mongo.jobs import COLLECTION, MongoJobRepository
from videojobs.adapters.mongo.rates import MongoRateLimiter
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain import lifecycle
from videojobs.domain.job import JobId, Lease, ProviderTask, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.rate import RateLimit
from videojobs.domain.request import AspectRatio, NewJob, Priority, Style
from videojobs.ports.jobs import Position

SIZES = (1_000, 10_000, 100_000)
JOBS_PER_USER = 50
LIVE_JOBS = 200
"""Half of them are overdue jobs of users with one job each; half wait for a slot of one user."""
PAGE = 20
DEEP_PAGE = 500
DEEP_JOBS = DEEP_PAGE * PAGE + PAGE
"""Jobs of the user whose page 500 is read. A database of at most twice this size has no such user."""
ROUNDS = 15
CAPTION = (
    "SecantusDB reads and sorts a whole index range, where MongoDB stops after the page. The documents examined are "
    "those of the range, which does not grow with the database. A claim is two queries."
)
_BULK = 2000
_LONGEST_SECONDS = 3600
_EXPLAINED = ("find", "aggregate", "filter", "pipeline", "sort", "limit", "cursor")
_NOW = datetime(2026, 1, 8, 10, tzinfo=UTC)
_POLICY = StepPolicy()

type Call = Callable[[], object]

console = Console(highlight=False)


class _Recorder(pymongo.monitoring.CommandListener):
    """Command listener that records the commands that contain a query."""

    def __init__(self) -> None:
        self.commands: list[Mapping[str, Any]] = []

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if event.command_name in {"find", "update", "aggregate", "findAndModify"}:
            self.commands.append(dict(event.command))

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        """Ignore the event."""

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        """Ignore the event."""


def make_jobs(size: int, *, seed: int = 4) -> Iterator[VideoJob]:
    """Yield `size` jobs, the same for the same size and seed.

    The live jobs come first, then the ended jobs of the user with 500 pages, then those of the other users.
    """
    dice = random.Random(seed)
    deep, waiting = _user(0), _user(1)
    owners = [deep] * DEEP_JOBS if size > 2 * DEEP_JOBS else []
    for number in range(size):
        created_at = _NOW - timedelta(seconds=size - number)
        if number < LIVE_JOBS:
            is_waiting = number % 2 == 1
            job = _accept(number, waiting if is_waiting else _user(2 + number), created_at, dice)
            yield _named(lifecycle.wait_for_slot(job, created_at) if is_waiting else job)
        else:
            index = number - LIVE_JOBS
            user_id = owners[index] if index < len(owners) else _user(1000 + index // JOBS_PER_USER)
            yield _end(_accept(number, user_id, created_at, dice), dice)


def _named(job: VideoJob) -> VideoJob:
    """Return the job with step and outbox IDs that are the same in every run."""
    outbox = tuple(replace(change, id=f"{job.id}:{change.version}") for change in job.outbox)
    return replace(job, next=job.next and replace(job.next, id=f"{job.id}:start"), outbox=outbox)


def _user(number: int) -> UserId:
    return UserId(f"{0x5E00_0000 + number:024x}")


def _accept(number: int, user_id: UserId, at: datetime, dice: random.Random) -> VideoJob:
    prompt = " ".join(dice.choices(("paper", "boat", "rain", "night", "kite", "sea", "dragon", "city"), k=8))
    request = NewJob(prompt, dice.choice(list(Style)), dice.randint(1, 60), dice.choice(list(AspectRatio)))
    return lifecycle.accept(request, job_id=JobId(f"{number:024x}"), user_id=user_id, now=at)


def _end(job: VideoJob, dice: random.Random) -> VideoJob:
    if dice.random() < 0.05:
        ended = lifecycle.cancel(job, job.created_at, _POLICY)
    else:
        submitted = replace(
            lifecycle.start_submit(job, "sketch", job.created_at), provider=ProviderTask("sketch", job.created_at)
        )
        ended = lifecycle.complete(submitted, f"s3://videos/videos/{job.id}/1.mp4", job.created_at, _POLICY)
    return replace(ended, outbox=(), expires_at=None)  # an expired job would be deleted during a measurement


def seed_database(connection: MongoConnection, size: int) -> float:
    """Drop and create the collections, insert `size` jobs in bulk and return the duration in seconds.

    Raises:
        Unavailable: If MongoDB does not respond. Some of the jobs may have been inserted.
    """
    started = time.monotonic()
    with pymongo.timeout(_LONGEST_SECONDS):
        for name in INDEXES:
            connection.run(partial(_drop, name=name))
        connection.run(ensure_indexes)
        for batch in batched(make_jobs(size), _BULK, strict=False):
            documents = [to_document(job) for job in batch]
            connection.run(partial(_insert, documents=documents))
    return time.monotonic() - started


def _drop(database: Database[Document], *, name: str) -> None:
    database.drop_collection(name)


def _insert(database: Database[Document], *, documents: Sequence[Document]) -> None:
    database[COLLECTION].insert_many(documents, ordered=False)


def list_calls(connection: MongoConnection, size: int) -> dict[str, Call | None]:
    """Return the calls to measure, by name; None for a call that a database of this size is too small for.

    The database must contain the jobs of `seed_database`. It is read to find a page deep in a list.

    Raises:
        Unavailable: If MongoDB does not respond.
    """
    jobs = MongoJobRepository(connection)
    slots, rates = MongoSlotRepository(connection, cap=20, maximum_waiting=1000), MongoRateLimiter(connection)
    sample = list(islice(make_jobs(size), LIVE_JOBS + 20))
    due = iter([job for job in sample if job.is_live and job.waiting_since is None])
    waiting, ended = sample[1], sample[-1]
    ids = iter(range(10**9))
    deep = Position(_deep_position(jobs), JobId("0" * 24)) if size > 2 * DEEP_JOBS else None

    def claim() -> object:
        job = next(due)
        return jobs.claim(job.id, job.next.id if job.next else "", Lease("token", _NOW), _NOW)

    def acquire() -> object:
        return slots.acquire(_user(next(ids)), Priority.NORMAL, [ended.id], _NOW)

    def page(after: Position | None, user_id: UserId) -> Call:
        return lambda: jobs.list_newest(user_id, _NOW, limit=PAGE + 1, after=after)

    return {
        "status": lambda: jobs.find(ended.id),
        "list, first page": page(None, ended.user_id if deep is None else _user(1000 + DEEP_JOBS // JOBS_PER_USER)),
        f"list, page {DEEP_PAGE}": page(deep, _user(0)) if deep else None,
        "claim": claim,
        "reconciler: overdue jobs": lambda: jobs.find_overdue(_NOW, _NOW, 100),
        "reconciler: unsent changes": lambda: jobs.find_unannounced(_NOW, 100),
        "next job to admit": lambda: jobs.find_waiting(waiting.user_id, Priority.NORMAL),
        "queue position": lambda: jobs.count_ahead(sample[LIVE_JOBS - 2], 1000),
        "rate limit": lambda: rates.count(_user(9), RateLimit("read", 600), datetime.now(UTC)),
        "slot, acquire": acquire,
    }


def _deep_position(jobs: MongoJobRepository) -> datetime:
    after: Position | None = None
    for _ in range(3):  # three large pages end where 499 small ones do
        page = jobs.list_newest(_user(0), _NOW, limit=(DEEP_PAGE - 1) * PAGE // 3, after=after)
        after = Position(page[-1].created_at, page[-1].id)
    return page[-1].created_at


def measure(connection: MongoConnection, call: Call, recorder: _Recorder) -> tuple[float, str]:
    """Return the median duration of a call in milliseconds, and how many documents its queries examined.

    The call is repeated `ROUNDS` times. The numbers of several queries are joined with `+`; a call without queries has
    `–`.

    Raises:
        Unavailable: If MongoDB does not respond.
    """
    times = []
    for _ in range(ROUNDS):
        recorder.commands.clear()
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    examined = [_examined(connection, command) for command in list(recorder.commands)]
    return statistics.median(times) * 1000, "+".join(examined) or "–"


def _examined(connection: MongoConnection, command: Mapping[str, Any]) -> str:
    # All updates select by `_id`, and so do some finds with additional fields. SecantusDB's `explain` reports a scan of
    # the collection for those finds, but the measured times show that there is none.
    is_update = "updates" in command or "findAndModify" in command
    if is_update or isinstance(command.get("filter", {}).get("_id"), str | ObjectId):
        return "1"
    query = {name: command[name] for name in _EXPLAINED if name in command}
    explained: Document = connection.run(
        lambda database: database.command({"explain": query, "verbosity": "executionStats"})
    )
    return str(explained["executionStats"]["totalDocsExamined"])


def main() -> int:
    """Seed and measure a database of each size in `sys.argv`, print one table and write it as Markdown; return 0.

    SecantusDB is started unless MONGODB_URI is set, and stopped at the end. The file is `.local/bench/growth.md`.

    Raises:
        SystemExit: 2 for an invalid size, 0 after `--help`.
        ServerFailedError: If SecantusDB does not start.
        Unavailable: If MongoDB does not respond.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument(
        "sizes", nargs="*", type=int, help=f"numbers of jobs, each at least 1000 (default: {' '.join(map(str, SIZES))})"
    )
    sizes: Sequence[int] = parser.parse_args().sizes or SIZES
    recorder = _Recorder()
    pymongo.monitoring.register(recorder)
    columns: list[dict[str, str]] = []
    config = replace(
        cloud_config(), state=HOME / "growth"
    )  # a server with a million jobs would slow down other measurements
    with bench_processes(config):
        uri = database_uri(os.environ.get("MONGODB_URI") or ensure_mongo(config), "growth")
        connection = MongoConnection(lambda **_: uri)
        for size in sizes:
            with console.status(f"{size:,} jobs"):
                seconds = seed_database(connection, size)
                column = {"seeded in": f"{seconds:.0f} s"}
                for name, call in list_calls(connection, size).items():
                    column[name] = _show(*measure(connection, call, recorder)) if call else "–"
            columns.append(column)
    shutil.rmtree(config.state, ignore_errors=True)
    lines = [["call", *(f"{size:,} jobs" for size in sizes)]]
    lines += [[name, *(column[name] for column in columns)] for name in columns[0]]
    table = Table(*lines[0], title="Growth: median time (documents examined)", title_justify="left", caption=CAPTION)
    for line in lines[1:]:
        table.add_row(*line)
    console.print(table)
    rows = [f"| {' | '.join(line)} |" for line in lines]
    markdown = "\n".join([rows[0], "|---|" + "---:|" * len(sizes), *rows[1:], "", CAPTION, ""])
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "growth.md").write_text(markdown)
    return 0


def _show(milliseconds: float, examined: str) -> str:
    return f"{milliseconds:.1f} ms ({examined})"


if __name__ == "__main__":
    sys.exit(main())
