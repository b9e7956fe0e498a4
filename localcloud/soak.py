"""A long bad day: thousands of jobs through the deployed system, while its workers and its database are killed."""

import json
import os
import random
import signal
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from http.client import HTTPException
from itertools import count
from typing import Any

import pymongo
import pymongo.errors
from bson import ObjectId

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.processes import find_processes, find_server
from localcloud.progress import errors
from localcloud.servers import AWS, MONGO, ensure_mongo
from localcloud.stack import Stack
from localcloud.system import bring_up
from localcloud.tokens import make_token

PARAMETERS = {
    "Provider": "simulated",
    "SimulatedMinSeconds": "1",
    "SimulatedMaxSeconds": "3",
    "RequestsPerSecond": "1000",
    "GenerateCallsPerMinute": "10000",
}
ENDED = frozenset({"completed", "failed"})
_CALL_SECONDS = 35
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How much, and how bad. `limit_seconds` bounds all of it; what has not ended by then is lost."""

    jobs: int = 2000
    users: int = 20
    posts_at_once: int = 6
    kill_every_seconds: tuple[float, float] = (3.0, 8.0)
    database_restarts: int = 2
    limit_seconds: float = 840


@dataclass(slots=True)
class _Tally:
    """What has happened so far."""

    accepted: dict[str, str]
    """The ids of the jobs that were answered 201, by key."""
    repeated_posts: int = 0
    workers_killed: int = 0
    database_kills: int = 0


def run_soak(config: CloudConfig, plan: SoakPlan) -> int:
    """Deploy, load, sabotage, wait, count and print one `name: value` a line; 0 if nothing was lost or doubled."""
    config = replace(config, parameters=PARAMETERS)
    stack = bring_up(config)
    deadline = time.monotonic() + plan.limit_seconds
    tally = _Tally(accepted={})
    with _sabotage(config, plan, tally):
        _post_all(stack, plan, tally, deadline)
        jobs = _wait_until_ended(stack, tally, deadline)
    figures = _count(jobs, tally)
    for name, value in figures.items():
        print(f"{name}: {value}")
    return 0 if (figures["jobs_accepted"], figures["lost"], figures["doubled"]) == (plan.jobs, 0, 0) else 1


def _post_all(stack: Stack, plan: SoakPlan, tally: _Tally, deadline: float) -> None:
    users = [str(ObjectId()) for _ in range(plan.users)]
    tokens = [make_token(stack, user_id=user) for user in users]
    lock = threading.Lock()

    def post(number: int) -> None:
        key = f"soak-{number}"
        for tries in count():
            if time.monotonic() > deadline:
                return
            job_id = _post(stack, tokens[number % len(tokens)], number, key)
            if job_id is not None:
                with lock:
                    tally.accepted[key] = job_id
                    tally.repeated_posts += tries
                    if len(tally.accepted) % 100 == 0:
                        errors.print(f"{len(tally.accepted)} accepted, {tally.workers_killed} workers killed")
                return
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - spreads load

    with ThreadPoolExecutor(plan.posts_at_once) as threads:
        list(threads.map(post, range(plan.jobs)))


def _post(stack: Stack, token: str, number: int, key: str) -> str | None:
    """The accepted job's id, or None where the answer is none that a client could go by."""
    wish = {"prompt": f"Job number {number}", "style": "fun", "duration": 8, "aspectRatio": "16:9"}
    headers = {
        "Cookie": f"{stack.cookie_name}={token}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    url = f"{stack.api_url}/api/videos/generate"
    request = urllib.request.Request(url, json.dumps(wish).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:
            return str(json.load(answer)["data"]["jobId"])
    except urllib.error.HTTPError as refusal:
        if refusal.code >= 500 or refusal.code == 429:
            return None
        raise LocalCloudError(f"A POST was answered {refusal.code}: {refusal.read().decode()}") from None
    except (OSError, HTTPException):
        return None


@contextmanager
def _sabotage(config: CloudConfig, plan: SoakPlan, tally: _Tally) -> Iterator[None]:
    """Kill a worker now and then, and the database as often as planned, spread over the posts."""
    over = threading.Event()
    marks = [plan.jobs * (number + 1) // (plan.database_restarts + 1) for number in range(plan.database_restarts)]

    def go_on() -> None:
        while not over.wait(random.uniform(*plan.kill_every_seconds)):  # noqa: S311
            if marks and len(tally.accepted) >= marks[0]:
                marks.pop(0)
                _restart_database(config)
                tally.database_kills += 1
            tally.workers_killed += _kill_worker(config)

    saboteur = threading.Thread(target=go_on)
    saboteur.start()
    try:
        yield
    finally:
        over.set()
        saboteur.join()


def _kill_worker(config: CloudConfig) -> bool:
    """SIGKILL for one process, any, in which a function runs."""
    workers = [each.pid for each in find_processes(config.state) if each.role == AWS and not each.leads]
    if workers:
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)  # noqa: S311
            return True
    return False


def _restart_database(config: CloudConfig) -> None:
    """SIGKILL, then a start on the same files and port."""
    database = find_server(config.state, MONGO)
    if database is None:
        raise LocalCloudError("The database isn't running")
    os.kill(database.pid, signal.SIGKILL)
    ensure_mongo(config)


def _wait_until_ended(stack: Stack, tally: _Tally, deadline: float) -> list[dict[str, Any]]:
    """Look until every job has ended or the time is over; the jobs as they are then."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri, tz_aware=True, directConnection=True) as client:
        jobs = client.get_default_database("videojobs")["videojobs"]
        while True:
            with suppress(pymongo.errors.PyMongoError):
                live = jobs.count_documents({"status": {"$nin": sorted(ENDED)}})
                errors.print(f"{live} under way, {tally.workers_killed} workers killed")
                if not live or time.monotonic() > deadline:
                    return list(jobs.find())
            time.sleep(_LOOK_SECONDS)


def _count(jobs: Sequence[dict[str, Any]], tally: _Tally) -> dict[str, Any]:
    by_id = {str(job["_id"]): job for job in jobs}
    accepted = set(tally.accepted.values())
    ended = [job for job in jobs if job["status"] in ENDED]
    twice = sum(sum(entry["status"] in ENDED for entry in job["history"]) > 1 for job in jobs)
    started = [_seconds(job["createdAt"], job["startedAt"]) for job in jobs if job.get("startedAt")]
    whole = [_seconds(job["createdAt"], job["updatedAt"]) for job in ended]
    return {
        "jobs_accepted": len(tally.accepted),
        "jobs_ended": len(ended),
        "lost": sum(by_id.get(job_id, {}).get("status") not in ENDED for job_id in accepted),
        "doubled": len(by_id.keys() - accepted) + len(tally.accepted) - len(accepted) + twice,
        **{f"jobs_{status}": number for status, number in sorted(Counter(job["status"] for job in jobs).items())},
        **_spread("seconds_to_start", started),
        **_spread("seconds_to_end", whole),
        "attempts_used": sum(job["attempt"] for job in jobs),
        "attempts_most": max((job["attempt"] for job in jobs), default=0),
        "posts_repeated": tally.repeated_posts,
        "workers_killed": tally.workers_killed,
        "databases_killed": tally.database_kills,
    }


def _spread(name: str, values: Sequence[float]) -> dict[str, str]:
    if len(values) < 2:
        return {}
    percentiles = statistics.quantiles(values, n=100)
    return {f"{name}_p50": f"{percentiles[49]:.2f}", f"{name}_p95": f"{percentiles[94]:.2f}"}


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
