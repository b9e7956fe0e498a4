"""Job pick-up: time from the response to POST until a worker starts the job, here and in the polling design."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from bench.api import Api
from bench.express import POLL_SECONDS, PeerMissingError, prepare_express, run_express
from bench.figures import Figure, MeasurementError, Section
from bench.paths import cloud_config
from bench.services import bench_processes
from localcloud.stack import Stack
from localcloud.system import bring_up

_BELOW_MS = 100
_WARM_UP = 3
_AT_ONCE = 10
_POLLER_JOBS = 8
_END_SECONDS = 90
_LIVE = ("queued", "processing")
_PEER = "Express, polling every 5 s"

type Job = Mapping[str, Any]
type Jobs = Collection[Job]
type Waits = Sequence[float]
"""Time from the response to POST until the worker starts, in milliseconds; 0 if the worker starts earlier."""


def measure_pickup(*, jobs: int) -> Section:
    """Start a separate local system, send jobs to it and to the polling peer, stop both and return a table.

    The table contains the waits from the response to POST until a worker starts the job. The polling peer is an Express
    server that looks for jobs every 5 s. If it can't run on this machine, its row contains the reason.

    Raises:
        MeasurementError: If a job ends without completing, or does not progress within 90 seconds, or the peer does not
            start.
        OSError: If an API returns an error or does not respond.
        PyMongoError: If MongoDB does not respond.
        LocalCloudError: If the system does not start.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
    """
    with bench_processes():
        stack = bring_up(cloud_config())
        with ThreadPoolExecutor() as pool:  # the peer mostly waits, so ours warms up at the same time
            peer_future = pool.submit(_measure_peer, stack.mongo_uri)
            _warm_up(stack)
            peer = peer_future.result()
        alone, accepted, together = _measure_ours(stack, jobs)
    p50 = median(alone)
    return Section(
        title="Job pick-up",
        method=(
            f"{jobs} jobs one after another, then {_AT_ONCE} at once, on the deployed local stack with warm functions. "
            "A worker that starts before the response arrives counts as 0."
        ),
        figures=[
            Figure(
                "response to POST → worker starts",
                _spread(alone),
                f"p50 < {_BELOW_MS} ms",
                reached=p50 < _BELOW_MS,
            ),
            Figure("job created → worker starts", f"p50 {median(accepted):.0f} ms"),
            Figure(f"{_AT_ONCE} jobs at once: response → worker starts", _spread(together)),
            *peer_figures(peer, alone=alone, together=together),
        ],
    )


def peer_figures(peer: tuple[Waits, Waits] | PeerMissingError, *, alone: Waits, together: Waits) -> list[Figure]:
    """Return the table rows of the polling design with the ratios to ours.

    If it can't run on this machine, return one row with the reason. `alone` and `together` are our waits in
    milliseconds.
    """
    if isinstance(peer, PeerMissingError):
        return [Figure(_PEER, f"not measured: {peer}")]
    return [
        Figure(f"{_PEER}: {load}", _spread(theirs), ratio=f"{median(theirs) / max(median(ours), 1):.0f} ×")
        for load, theirs, ours in (("idle", peer[0], alone), (f"{_AT_ONCE} jobs at once", peer[1], together))
    ]


def _spread(waits: Waits) -> str:
    return f"p50 {median(waits):.0f} ms, p95 {quantiles(waits, n=20, method='inclusive')[-1]:.0f} ms"


@contextmanager
def _open_ours(stack: Stack) -> Iterator[tuple[Api, Jobs]]:
    with MongoClient[Job](stack.mongo_uri, tz_aware=True) as client:
        api = Api(stack.api_url, stack.cookie_name, stack.jwt_secret)
        yield api, client.get_default_database()["videojobs"]


def _warm_up(stack: Stack) -> None:
    """Run single jobs, then many at once, to start as many worker environments as the measurement needs."""
    with _open_ours(stack) as (api, documents):
        for _ in range(_WARM_UP):
            _run_job(api, documents)
        _post_at_once(api, documents, _is_completed)


def _measure_ours(stack: Stack, jobs: int) -> tuple[Waits, Waits, Waits]:
    """Return the waits of single jobs from the response and from their creation, and of many jobs at once.

    The waits of the jobs at once are from the response.
    """
    with _open_ours(stack) as (api, documents):
        ended = [_run_job(api, documents) for _ in range(jobs)]
        together = _post_at_once(api, documents, _is_completed)
    alone = [_wait_ms(job, responded_at) for job, responded_at in ended]
    return alone, [_wait_ms(job, job["createdAt"].timestamp()) for job, _ in ended], together


def _measure_peer(mongo_uri: str) -> tuple[Waits, Waits] | PeerMissingError:
    """Measure an idle and a busy server of the polling design in parallel, because both mostly wait.

    Return the waits of both, or the error if the peer can't run on this machine.
    """
    try:
        prepare_express()
    except PeerMissingError as error:
        return error
    with ThreadPoolExecutor() as pool:
        idle, busy = pool.submit(_measure_idle_poller, mongo_uri), pool.submit(_measure_busy_poller, mongo_uri)
        return idle.result(), busy.result()


def _measure_idle_poller(mongo_uri: str) -> Waits:
    waits: list[float] = []
    with run_express("idle", mongo_uri) as express, MongoClient[Job](express.mongo_uri, tz_aware=True) as client:
        documents = client.get_default_database()["videojobs"]
        polled_at = _run_until(documents, express.api.post_job()[0], _is_started)["startedAt"].timestamp()
        for index in range(_POLLER_JOBS):
            moment = polled_at + POLL_SECONDS * (index + 0.5) / _POLLER_JOBS
            time.sleep(max(0.0, moment - time.time()))
            job_id, responded_at = express.api.post_job()
            job = _run_until(documents, job_id, _is_started)
            waits.append(_wait_ms(job, responded_at))
            polled_at = job["startedAt"].timestamp()
    return waits


def _measure_busy_poller(mongo_uri: str) -> Waits:
    with run_express("busy", mongo_uri) as express, MongoClient[Job](express.mongo_uri, tz_aware=True) as client:
        time.sleep(POLL_SECONDS / 2)
        return _post_at_once(express.api, client.get_default_database()["videojobs"], _is_started)


def _post_at_once(api: Api, documents: Jobs, is_far_enough: Callable[[Job], bool]) -> Waits:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        posted = [post.result() for post in [pool.submit(api.post_job) for _ in range(_AT_ONCE)]]
    return [_wait_ms(_run_until(documents, job_id, is_far_enough), responded_at) for job_id, responded_at in posted]


def _run_job(api: Api, documents: Jobs) -> tuple[Job, float]:
    job_id, responded_at = api.post_job()
    return _run_until(documents, job_id, _is_completed), responded_at


def _is_started(job: Job) -> bool:
    return isinstance(job.get("startedAt"), datetime)


def _is_completed(job: Job) -> bool:
    if job["status"] not in (*_LIVE, "completed"):
        raise MeasurementError(f"Job {job['_id']} ended with status {job['status']}: {job.get('errorMessage')}")
    return bool(job["status"] == "completed")


def _run_until(documents: Jobs, job_id: str, is_far_enough: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + _END_SECONDS
    while (job := documents.find_one({"_id": ObjectId(job_id)})) is None or not is_far_enough(job):
        if time.monotonic() > deadline:
            raise MeasurementError(f"Job {job_id} did not progress within {_END_SECONDS} s: {job}")
        time.sleep(0.05)
    return job


def _wait_ms(job: Job, since: float) -> float:
    return max(0.0, float(job["startedAt"].timestamp()) - since) * 1000
