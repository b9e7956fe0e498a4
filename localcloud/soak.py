"""Soak test: thousands of jobs in the deployed system while its workers and its database are killed."""

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
from localcloud.processes import find_processes, find_server, kill_process
from localcloud.progress import errors
from localcloud.servers import AWS, MONGO, ensure_mongo
from localcloud.stack import Stack
from localcloud.system import bring_up
from localcloud.tokens import make_token

PARAMETERS = {"Provider": "simulated", "WaitingJobsPerUser": "5000", "GenerateCallsPerMinute": "10000"}
SETTINGS = {"SIMULATED_MIN_SECONDS": "1", "SIMULATED_MAX_SECONDS": "3", "RequestsPerSecond": "1000"}
ENDED = frozenset({"completed", "failed"})
_CALL_SECONDS = 35
_KILL_SECONDS = 30
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """Load and faults of a soak test. A job that has not ended after `limit_seconds` counts as lost.

    A worker is killed at random intervals within `kill_every_seconds`, and the database `database_restarts` times.
    """

    jobs: int = 2000
    users: int = 20
    posts_at_once: int = 6
    kill_every_seconds: tuple[float, float] = (3.0, 8.0)
    database_restarts: int = 2
    limit_seconds: float = 840


@dataclass(slots=True)
class _Tally:
    """Counters of a run."""

    accepted: dict[str, str]
    """IDs of the accepted jobs by idempotency key."""
    repeated_posts: int = 0
    workers_killed: int = 0
    database_kills: int = 0


def run_soak(config: CloudConfig, plan: SoakPlan) -> int:
    """Run the soak test and print its figures, one `name: value` per line.

    The test starts the system with a simulated provider, creates jobs through the API and, until they have ended, kills
    random function workers and the database with SIGKILL. The database is started again. If that fails, nothing more is
    killed, and the test does not return while the database does not respond. The test counts all jobs in the database,
    so it needs an empty one. The system keeps running.

    Return the exit status: 0 if every job was accepted and none was lost or doubled, else 1.

    Raises:
        LocalCloudError: If the system does not start, or the API rejects a request with a status other than 429 and
            5xx.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
    """
    config = replace(config, parameters=PARAMETERS, settings=SETTINGS)
    stack = bring_up(config)
    started = time.monotonic()
    deadline = started + plan.limit_seconds
    tally = _Tally(accepted={})
    with _sabotage(config, plan, tally):
        _post_all(stack, plan, tally, deadline)
        accepted_at = time.monotonic()
        jobs = _wait_until_ended(stack, tally, deadline)
    figures = _count(jobs, tally)
    figures |= {"seconds_to_last_accepted": f"{accepted_at - started:.0f}"}
    figures |= {"seconds_to_last_end": f"{time.monotonic() - started:.0f}"}
    for name, value in figures.items():
        print(f"{name}: {value}")
    return 0 if (figures["jobs_accepted"], figures["lost"], figures["doubled"]) == (plan.jobs, 0, 0) else 1


def _post_all(stack: Stack, plan: SoakPlan, tally: _Tally, deadline: float) -> None:
    """Create all jobs, repeating each request with its idempotency key until it is accepted or the time is over."""
    users = [str(ObjectId()) for _ in range(plan.users)]
    tokens = [make_token(stack, user_id=user) for user in users]
    lock = threading.Lock()

    def post(number: int) -> None:
        key = f"soak-{number}"
        for repetitions in count():
            if time.monotonic() > deadline:
                return
            job_id = _post(stack, tokens[number % len(tokens)], number, key)
            if job_id is not None:
                with lock:
                    tally.accepted[key] = job_id
                    tally.repeated_posts += repetitions
                    if len(tally.accepted) % 100 == 0:
                        errors.print(f"{len(tally.accepted)} accepted, {tally.workers_killed} workers killed")
                return
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - spreads the load

    with ThreadPoolExecutor(plan.posts_at_once) as threads:
        list(threads.map(post, range(plan.jobs)))


def _post(stack: Stack, token: str, number: int, key: str) -> str | None:
    """Send a request for a job and return the job's ID; None if the request must be repeated.

    Raises:
        LocalCloudError: If the API rejects the request with a status other than 429 and 5xx.
    """
    wish = {"prompt": f"Job number {number}", "style": "fun", "duration": 8, "aspectRatio": "16:9"}
    headers = {
        "Cookie": f"{stack.cookie_name}={token}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    url = f"{stack.api_url}/api/videos/generate"
    request = urllib.request.Request(url, json.dumps(wish).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as response:
            return str(json.load(response)["data"]["jobId"])
    except urllib.error.HTTPError as error:
        if error.code >= 500 or error.code == 429:
            return None
        raise LocalCloudError(f"POST /api/videos/generate returned {error.code}: {error.read().decode()}") from None
    except (OSError, HTTPException):
        return None


@contextmanager
def _sabotage(config: CloudConfig, plan: SoakPlan, tally: _Tally) -> Iterator[None]:
    """Kill a random worker every few seconds during the block, and the database at evenly spaced numbers of jobs."""
    ended = threading.Event()
    marks = [plan.jobs * (number + 1) // (plan.database_restarts + 1) for number in range(plan.database_restarts)]

    def kill_repeatedly() -> None:
        while not ended.wait(random.uniform(*plan.kill_every_seconds)):  # noqa: S311
            if marks and len(tally.accepted) >= marks[0]:
                marks.pop(0)
                _restart_database(config)
                tally.database_kills += 1
            tally.workers_killed += _kill_worker(config)

    saboteur = threading.Thread(target=kill_repeatedly)
    saboteur.start()
    try:
        yield
    finally:
        ended.set()
        saboteur.join()


def _kill_worker(config: CloudConfig) -> bool:
    """Kill a random worker process with SIGKILL, and return whether one was killed."""
    workers = [process.pid for process in find_processes(config.state) if process.role == AWS and not process.leads]
    if workers:
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)  # noqa: S311
            return True
    return False


def _restart_database(config: CloudConfig) -> None:
    """Kill the database with SIGKILL, and start it again with the same files and port.

    Raises:
        LocalCloudError: If the database is not running or does not start.
    """
    database = find_server(config.state, MONGO)
    if database is None:
        raise LocalCloudError(f"The database is not running. See {config.logs / 'mongo.log'}")
    kill_process(database, timeout_seconds=_KILL_SECONDS)  # another process could not use its port before that
    ensure_mongo(config)


def _wait_until_ended(stack: Stack, tally: _Tally, deadline: float) -> list[dict[str, Any]]:
    """Wait until every job has ended or the deadline has passed, and return the documents of all jobs."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri, tz_aware=True, directConnection=True) as client:
        jobs = client.get_default_database("videojobs")["videojobs"]
        while True:
            with suppress(pymongo.errors.PyMongoError):
                live = jobs.count_documents({"status": {"$nin": sorted(ENDED)}})
                errors.print(f"{live} in progress, {tally.workers_killed} workers killed")
                if not live or time.monotonic() > deadline:
                    return list(jobs.find())
            time.sleep(_LOOK_SECONDS)


def _count(jobs: Sequence[dict[str, Any]], tally: _Tally) -> dict[str, Any]:
    """Return the figures of the run by name.

    `lost` counts accepted jobs that have not ended. `doubled` counts jobs that were not accepted, keys that share a job
    and jobs that ended more than once.
    """
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
    """Return the median and the 95th percentile; empty if there are fewer than two values."""
    if len(values) < 2:
        return {}
    percentiles = statistics.quantiles(values, n=100)
    return {f"{name}_p50": f"{percentiles[49]:.2f}", f"{name}_p95": f"{percentiles[94]:.2f}"}


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
