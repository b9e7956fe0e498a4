"""Measurement of fairness: how long the jobs of other users wait while one user has many jobs queued."""

import json
import statistics
import time
import urllib.request
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.database import Database

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.overlay import CONCURRENCY
from localcloud.progress import console, step
from localcloud.stack import Stack
from localcloud.system import bring_up
from localcloud.tables import FittingTable
from localcloud.tokens import make_token

WORKERS = CONCURRENCY["JobsQueue"]
"""Number of steps that the local stack runs at once at normal priority."""
PARAMETERS = {
    "Provider": "simulated",
    "ActiveJobsPerUser": str(WORKERS),
    "WaitingJobsPerUser": "5000",
    "GenerateCallsPerMinute": "10000",
}
SETTINGS = {
    "SIMULATED_MIN_SECONDS": "1",
    "SIMULATED_MAX_SECONDS": "1",
    "ReadCallsPerMinute": "10000",
    "RequestsPerSecond": "1000",
}
"""Parameters and settings of the measured system.

One user may use as many workers as there are, so the flood has the strongest effect that the limit of active jobs
allows. On AWS the defaults are 20 active jobs per user and about 50 workers.
"""
_BATCH = 50
_LIMIT_SECONDS = 60.0
_TELLING = 2.0
"""Largest permitted ratio of the 95th percentiles of the time to the video, with the flood and without.

The time to the start is printed but not limited. It is a few hundredths of a second on an idle system, and under load
it depends mostly on the processor, which the flood, the database and the local AWS share.
"""

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FairnessPlan:
    """Number of jobs that one user submits at once (the flood), and of jobs of other users that are measured (probes).

    The probes are measured at each of the two priorities, before the flood and during it.
    """

    flood: int = 250
    probes: int = 25

    @property
    def smallest_flood(self) -> int:
        """Return the least number of jobs that the workers complete while the probes of both priorities run.

        A probe takes at least as long as a job of the flood, so a smaller flood ends before the measurement does.
        """
        return 2 * self.probes * WORKERS


@dataclass(slots=True)
class _Waits:
    """Seconds from the creation of each job to its start, and to its completion."""

    to_start: list[float] = field(default_factory=list)
    to_end: list[float] = field(default_factory=list)


def run_fairness(config: CloudConfig, plan: FairnessPlan) -> int:
    """Deploy the system, measure how long jobs wait without and with the flood of one user, and print the waits.

    Return the exit status: 0 if the flood raised the 95th percentile of the time to the video at most twofold at both
    priorities and never had more active jobs than its limit, else 1. The system keeps running.

    Raises:
        LocalCloudError: If the flood is too small, a job does not complete within 60 s, or the system does not start.
        OSError: If the API returns an error or does not respond within 60 s.
        PyMongoError: If the database does not respond.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond.
    """
    if plan.flood < plan.smallest_flood:
        raise LocalCloudError(
            f"{plan.flood} jobs end before the measurement does. "
            f"Use at least {plan.smallest_flood}:  make fairness JOBS={plan.smallest_flood}"
        )
    stack = bring_up(replace(config, parameters=PARAMETERS, settings=SETTINGS))
    with pymongo.MongoClient[Document](stack.mongo_uri, tz_aware=True) as client:
        database = client.get_default_database(config.database)
        with step("Measure the idle system"):
            _measure(stack, database, max(plan.probes // 4, 5))  # not counted: it includes cold starts
            idle = _measure(stack, database, plan.probes)
            idle_high = _measure(stack, database, plan.probes, priority="high")
        with step(f"Measure while one user has {plan.flood} jobs") as progress:
            flooder = str(ObjectId())
            _flood(stack, flooder, plan.flood)
            flooded = _measure(stack, database, plan.probes)
            flooded_high = _measure(stack, database, plan.probes, priority="high")
            left = database["videojobs"].count_documents({"userId": ObjectId(flooder), "status": "queued"})
            most = _most_at_once(database, flooder)
            progress.note(f"{left} of them still queued, at most {most} active at once")
    table = FittingTable(("wait", "idle p50", "idle p95", "flood p50", "flood p95", "ratio of p95"))
    ratios = []
    for priority, before, after in (("normal", idle, flooded), ("high", idle_high, flooded_high)):
        _add_row(table, f"{priority}, to the start", before.to_start, after.to_start)
        ratios.append(_add_row(table, f"{priority}, to the video", before.to_end, after.to_end))
    console.print(table)
    if left == 0:
        raise LocalCloudError(
            f"The {plan.flood} jobs ended before the measurement did. Use more:  make fairness JOBS={2 * plan.flood}"
        )
    return 0 if max(ratios) <= _TELLING and most <= WORKERS else 1


def _add_row(table: FittingTable, name: str, before: list[float], after: list[float]) -> float:
    """Append the percentiles of both measurements to the table, and return the ratio of the 95th percentiles."""
    figures = [(statistics.median(waits), statistics.quantiles(waits, n=20)[-1]) for waits in (before, after)]
    (idle_p50, idle_p95), (flooded_p50, flooded_p95) = figures
    ratio = flooded_p95 / idle_p95
    seconds = [f"{value:.2f} s" for value in (idle_p50, idle_p95, flooded_p50, flooded_p95)]
    table.add_row(name, *seconds, f"{ratio:.1f}")
    return ratio


def _measure(stack: Stack, database: Database[Document], jobs: int, *, priority: str = "normal") -> _Waits:
    """Create jobs one after the other, each as a different user, and return the waits that their documents show."""
    waits = _Waits()
    for number in range(jobs):
        wish = {"prompt": f"Job {number}", "style": "fun", "duration": 8, "aspectRatio": "16:9", "priority": priority}
        job_id = _post(stack, str(ObjectId()), "/api/videos/generate", wish)["jobId"]
        document = _wait(database, job_id)
        waits.to_start.append((document["startedAt"] - document["createdAt"]).total_seconds())
        waits.to_end.append((document["updatedAt"] - document["createdAt"]).total_seconds())
    return waits


def _wait(database: Database[Document], job_id: str) -> Document:
    """Return the job's document once the job has completed.

    Raises:
        LocalCloudError: If the job does not complete within 60 s.
    """
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        document = database["videojobs"].find_one({"_id": ObjectId(job_id)})
        if document and document["status"] == "completed":
            return document
        time.sleep(0.2)
    raise LocalCloudError(f"Job {job_id} did not complete within {_LIMIT_SECONDS:.0f} s. See:  make logs")


def _flood(stack: Stack, user_id: str, jobs: int) -> None:
    """Create many jobs of one user, in batches."""
    item = {"prompt": "One of very many", "style": "fun", "duration": 8, "aspectRatio": "16:9"}
    for posted in range(0, jobs, _BATCH):
        _post(stack, user_id, "/api/videos/batch", {"items": [item] * min(_BATCH, jobs - posted)})


def _post(stack: Stack, user_id: str, path: str, body: Document) -> Document:
    """Send a request as the user, and return the `data` of the response."""
    token = make_token(stack, user_id=user_id, priority="high")
    headers = {"Cookie": f"{stack.cookie_name}={token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack.api_url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=_LIMIT_SECONDS) as response:
        data: Document = json.load(response)["data"]
        return data


def _most_at_once(database: Database[Document], user_id: str) -> int:
    """Return the largest number of a user's jobs that were active at the same time, from their documents."""
    changes: list[tuple[datetime, int]] = []
    for job in database["videojobs"].find({"userId": ObjectId(user_id)}):
        if "startedAt" in job:
            changes.append((job["startedAt"], 1))
        if job["status"] == "completed":
            changes.append((job["updatedAt"], -1))
    return max(accumulate(change for _, change in sorted(changes)), default=0)
