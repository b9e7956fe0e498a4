"""Live updates: how soon after a change is written a page that is open knows of it."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bench.api import Api
from bench.figures import Figure, MeasurementError, Section
from bench.paths import cloud_config
from bench.services import bench_processes
from localcloud.stack import Stack
from localcloud.system import bring_up

_PAGES = 10
_WARM_UP = 3
_END_SECONDS = 90
_ENDED = frozenset({"completed", "failed", "cancelled"})

type Delays = Sequence[float]
"""Milliseconds from a change to its arrival."""


def measure_live(*, jobs: int) -> Section:
    """Bring the system up apart from the developer's own, follow jobs over WebSockets, take all down."""
    with bench_processes():
        stack = bring_up(cloud_config())
        alone = _measure(stack, pages=1, jobs=jobs)
        together = _measure(stack, pages=_PAGES, jobs=jobs)
    return Section(
        title="Live updates",
        method=(
            f"{jobs} jobs one after another on the deployed local stack with warm functions, each change (queued, "
            "progress, ended) timed from the moment that its writer put into it (`updatedAt`, before the write) to its "
            f"first arrival over the WebSocket; once with one page open, once with {_PAGES} of the same user, to the "
            "last of them. On the way: MongoDB, the events queue, the notifier, API Gateway."
        ),
        figures=[
            Figure("change written → an open page knows", _spread(alone[0])),
            Figure(
                f"change written → the last of {_PAGES} open pages knows",
                _spread(list(map(max, zip(*together, strict=True)))),
            ),
        ],
    )


def _measure(stack: Stack, *, pages: int, jobs: int) -> list[Delays]:
    """As somebody new, who may ask for so many jobs in a minute."""
    api = Api(stack.api_url, stack.cookie_name, stack.jwt_secret)
    with _open_pages(stack, api, pages) as opened:
        _follow(api, opened, _WARM_UP)
        return _follow(api, opened, jobs)


def _spread(delays: Delays) -> str:
    p95 = quantiles(delays, n=20, method="inclusive")[-1]
    return f"p50 {median(delays):.0f} ms, p95 {p95:.0f} ms ({len(delays)} changes)"


@contextmanager
def _open_pages(stack: Stack, api: Api, count: int) -> Iterator[list[ClientConnection]]:
    """Connections that follow all of the user's jobs, their snapshots behind them."""
    with ExitStack() as open_ones:
        pages = []
        for _ in range(count):
            page = open_ones.enter_context(connect(str(stack.ws_url), additional_headers={"Cookie": api.cookie}))
            page.send('{"action":"subscribe"}')
            page.send('{"action":"ping"}')
            while json.loads(page.recv(timeout=_END_SECONDS))["type"] != "pong":
                pass
            pages.append(page)
        yield pages


def _follow(api: Api, pages: Sequence[ClientConnection], jobs: int) -> list[Delays]:
    """The delays of each change of so many jobs, by page."""
    delays: list[list[float]] = [[] for _ in pages]
    with ThreadPoolExecutor(len(pages)) as pool:
        for _ in range(jobs):
            job_id, _answered_at = api.post_job()
            arrivals = list(pool.map(lambda page, job_id=job_id: _hear(page, job_id), pages))
            common = set.intersection(*(set(each) for each in arrivals))
            for page_delays, each in zip(delays, arrivals, strict=True):
                page_delays += [each[version] for version in sorted(common)]
    return list(delays)


def _hear(page: ClientConnection, job_id: str) -> dict[int, float]:
    """When each version of a job arrived, in milliseconds after it was made, until the job has ended."""
    arrived: dict[int, float] = {}
    while True:
        update: dict[str, Any] = json.loads(page.recv(timeout=_END_SECONDS))
        now = time.time()
        if update["jobId"] != job_id:
            continue
        made_at = datetime.fromisoformat(update["data"]["updatedAt"]).timestamp()
        arrived.setdefault(update["version"], (now - made_at) * 1000)
        if update["data"]["status"] in _ENDED:
            if update["data"]["status"] != "completed":
                raise MeasurementError(f"job {job_id} ended as {update['data']['status']}")
            return arrived
