"""Job pick-up: how soon after its answer a job is being worked on, on the deployed local stack."""

import json
import time
import urllib.request
from collections.abc import Mapping
from statistics import median, quantiles
from typing import Any

import jwt
from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from bench.figures import Figure, MeasurementError, Section
from bench.places import cloud_config
from bench.services import bench_processes
from localcloud.stack import Stack
from localcloud.system import bring_up

_BELOW_MS = 100
_WARM_UP = 3
_POLLER_INTERVAL_MS = 5000
_END_SECONDS = 60
_LIVE = ("queued", "processing")

type Jobs = Collection[Mapping[str, Any]]


def measure_pickup(*, jobs: int) -> Section:
    """Bring the system up apart from the developer's own, send `jobs` jobs one after another, take it down."""
    with bench_processes():
        stack = bring_up(cloud_config())
        with MongoClient[Mapping[str, Any]](stack.mongo_uri, tz_aware=True) as client:
            documents = client.get_default_database()["videojobs"]
            waits = [_run_job(stack, documents) for _ in range(_WARM_UP + jobs)][_WARM_UP:]
    after_answer, after_insert = ([wait[place] for wait in waits] for place in (0, 1))
    p50 = median(after_answer)
    return Section(
        title="Job pick-up",
        method=(
            f"{jobs} jobs, one after another, on the deployed local stack with warm functions. A worker that starts "
            "before the answer is there counts as 0. The poller's figure is arithmetic: half its interval."
        ),
        figures=[
            Figure(
                "POST answered → worker starts",
                f"p50 {p50:.0f} ms, p95 {quantiles(after_answer, n=20)[-1]:.0f} ms",
                f"p50 < {_BELOW_MS} ms",
                reached=p50 < _BELOW_MS,
            ),
            Figure("job accepted → worker starts", f"p50 {median(after_insert):.0f} ms"),
            Figure(
                "a poller that asks every 5 s, when idle",
                f"mean {_POLLER_INTERVAL_MS / 2:.0f} ms",
                ratio=f"{_POLLER_INTERVAL_MS / 2 / max(p50, 1):.0f} ×",
            ),
        ],
    )


def _run_job(stack: Stack, documents: Jobs) -> tuple[float, float]:
    """Milliseconds from the answer, and from the job's creation, to the worker's start; the job has ended then."""
    job_id, answered_at = _post(stack)
    deadline = time.monotonic() + _END_SECONDS
    while (job := documents.find_one({"_id": ObjectId(job_id)})) is None or job["status"] in _LIVE:
        if time.monotonic() > deadline:
            raise MeasurementError(f"job {job_id} has not ended: {job}")
        time.sleep(0.05)
    if job["status"] != "completed":
        raise MeasurementError(f"job {job_id} ended as {job['status']}: {job.get('errorMessage')}")
    started_at = job["startedAt"].timestamp()
    return max(0.0, started_at - answered_at) * 1000, (started_at - job["createdAt"].timestamp()) * 1000


def _post(stack: Stack) -> tuple[str, float]:
    claims = {"userId": "65f0c0ffee0123456789abcd", "exp": int(time.time()) + 600}
    token = jwt.encode(claims, stack.jwt_secret, algorithm="HS256")
    body = {"prompt": "A paper boat", "style": "calm", "duration": 1, "aspectRatio": "4:3"}
    request = urllib.request.Request(
        f"{stack.api_url}/api/videos/generate",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Cookie": f"{stack.cookie_name}={token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
        return str(answer["data"]["jobId"]), time.time()
