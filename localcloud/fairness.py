"""One user floods the deployed system: how long do the jobs of others wait, and those of high priority?"""

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
from rich.table import Table

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.progress import console, step
from localcloud.stack import Stack
from localcloud.system import bring_up
from localcloud.tokens import make_token

WORKERS = 4
"""How many steps the local stack runs at once in the normal lane (`template.yaml`)."""
PARAMETERS = {
    "Provider": "simulated",
    "SimulatedMinSeconds": "1",
    "SimulatedMaxSeconds": "1",
    "ActiveJobsPerUser": str(WORKERS),
    "GenerateCallsPerMinute": "10000",
    "ReadCallsPerMinute": "10000",
    "RequestsPerSecond": "1000",
}
"""The cap stands to the workers as on AWS, where a user's 20 active jobs share some 50 of them; here they are fewer."""
_BATCH = 50
_LIMIT_SECONDS = 60.0
_TELLING = 2.0
"""The promise: with the flood, the 95th percentile of the wait for a video is at most so many times what it is without.

The start is shown as well. It is some hundredths of a second here, and shares two processors with the flood, with the
database and with AWS itself."""

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FairnessPlan:
    """How many jobs the flood has, and how many others are measured, before and while it lasts."""

    flood: int = 250
    probes: int = 25


@dataclass(slots=True)
class _Waits:
    """Seconds from the acceptance of a job to its start, and to its end."""

    to_start: list[float] = field(default_factory=list)
    to_end: list[float] = field(default_factory=list)


def run_fairness(config: CloudConfig, plan: FairnessPlan) -> int:
    """Deploy, measure idle, flood, measure again, print; 0 if the promise held and the flood never was over its cap."""
    stack = bring_up(replace(config, parameters=PARAMETERS))
    with pymongo.MongoClient[Document](stack.mongo_uri, tz_aware=True) as client:
        database = client.get_default_database()
        with step("idle"):
            _measure(stack, database, max(plan.probes // 4, 5))  # what runs for the first time starts cold
            idle = _measure(stack, database, plan.probes)
            idle_high = _measure(stack, database, plan.probes, priority="high")
        with step(f"one user has {plan.flood} jobs queued") as shown:
            flooder = str(ObjectId())
            _flood(stack, flooder, plan.flood)
            flooded = _measure(stack, database, plan.probes)
            flooded_high = _measure(stack, database, plan.probes, priority="high")
            left = database["videojobs"].count_documents({"userId": ObjectId(flooder), "status": "queued"})
            most = _most_at_once(database, flooder)
            shown.note(f"{left} are queued still; {most} at most were under way at once")
    table = Table("", "", "idle p50", "p95", "flooded p50", "p95", "p95, times", box=None)
    ratios = []
    for lane, before, after in (("normal", idle, flooded), ("high", idle_high, flooded_high)):
        _add_row(table, f"{lane}, to the start", before.to_start, after.to_start)
        ratios.append(_add_row(table, f"{lane}, to the video", before.to_end, after.to_end))
    console.print(table)
    if left == 0:
        raise LocalCloudError("The flood was over before the measurement was: make it larger")
    return 0 if max(ratios) <= _TELLING and most <= WORKERS else 1


def _add_row(table: Table, name: str, before: list[float], after: list[float]) -> float:
    figures = [(statistics.median(waits), statistics.quantiles(waits, n=20)[-1]) for waits in (before, after)]
    (idle_p50, idle_p95), (flooded_p50, flooded_p95) = figures
    ratio = flooded_p95 / idle_p95
    seconds = [f"{value:.2f} s" for value in (idle_p50, idle_p95, flooded_p50, flooded_p95)]
    table.add_row(name, "", *seconds, f"{ratio:.1f}")
    return ratio


def _measure(stack: Stack, database: Database[Document], jobs: int, *, priority: str = "normal") -> _Waits:
    """Post one job after the other, each by somebody else, and take the times that stand in their documents."""
    waits = _Waits()
    for number in range(jobs):
        wish = {"prompt": f"Job {number}", "style": "fun", "duration": 8, "aspectRatio": "16:9", "priority": priority}
        job_id = _post(stack, str(ObjectId()), "/api/videos/generate", wish)["jobId"]
        document = _wait(database, job_id)
        waits.to_start.append((document["startedAt"] - document["createdAt"]).total_seconds())
        waits.to_end.append((document["updatedAt"] - document["createdAt"]).total_seconds())
    return waits


def _wait(database: Database[Document], job_id: str) -> Document:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        document = database["videojobs"].find_one({"_id": ObjectId(job_id)})
        if document and document["status"] == "completed":
            return document
        time.sleep(0.2)
    raise LocalCloudError(f"Job {job_id} did not end within {_LIMIT_SECONDS:.0f} s")


def _flood(stack: Stack, user_id: str, jobs: int) -> None:
    item = {"prompt": "One of very many", "style": "fun", "duration": 8, "aspectRatio": "16:9"}
    for _ in range(jobs // _BATCH):
        _post(stack, user_id, "/api/videos/batch", {"items": [item] * _BATCH})


def _post(stack: Stack, user_id: str, path: str, body: Document) -> Document:
    token = make_token(stack, user_id=user_id, priority="high")
    headers = {"Cookie": f"{stack.cookie_name}={token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack.api_url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=_LIMIT_SECONDS) as answer:
        data: Document = json.load(answer)["data"]
        return data


def _most_at_once(database: Database[Document], user_id: str) -> int:
    """The most jobs of a user that were under way at the same time, by the times in their documents."""
    turns: list[tuple[datetime, int]] = []
    for job in database["videojobs"].find({"userId": ObjectId(user_id)}):
        if "startedAt" in job:
            turns.append((job["startedAt"], 1))
        if job["status"] == "completed":
            turns.append((job["updatedAt"], -1))
    return max(accumulate(change for _, change in sorted(turns)), default=0)
