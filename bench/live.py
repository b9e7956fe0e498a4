"""Live updates: delay from a change of a job to its arrival at an open page."""

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
"""Delay of each change, from the change to its arrival, in milliseconds."""


def measure_live(*, jobs: int) -> Section:
    """Start a separate local system, follow `jobs` jobs over WebSockets, stop the system and return a table.

    The table contains the delays from a change of a job to its arrival at an open page.

    Raises:
        MeasurementError: If a job fails or is cancelled.
        OSError: If no update arrives within 90 s (`TimeoutError`), or the API returns an error or does not respond.
        WebSocketException: If a live connection is refused or closed.
        LocalCloudError: If the system does not start.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
    """
    with bench_processes():
        stack = bring_up(cloud_config())
        alone = _measure(stack, pages=1, jobs=jobs)
        together = _measure(stack, pages=_PAGES, jobs=jobs)
    return Section(
        title="Live updates",
        method=(
            f"{jobs} jobs one after another on the deployed local stack, with one page or {_PAGES} pages of one user. "
            "From `updatedAt` of a change, set before the write, to its arrival over the WebSocket."
        ),
        figures=[
            Figure("change of a job → open page", _spread(alone[0])),
            Figure(
                f"change of a job → last of {_PAGES} open pages",
                _spread(list(map(max, zip(*together, strict=True)))),
            ),
        ],
    )


def _measure(stack: Stack, *, pages: int, jobs: int) -> list[Delays]:
    """Measure as a new user, whose rate limit is not used up."""
    api = Api(stack.api_url, stack.cookie_name, stack.jwt_secret)
    with _open_pages(stack, api, pages) as opened:
        _follow(api, opened, _WARM_UP)
        return _follow(api, opened, jobs)


def _spread(delays: Delays) -> str:
    p95 = quantiles(delays, n=20, method="inclusive")[-1]
    return f"p50 {median(delays):.0f} ms, p95 {p95:.0f} ms ({len(delays)} changes)"


@contextmanager
def _open_pages(stack: Stack, api: Api, count: int) -> Iterator[list[ClientConnection]]:
    """Yield `count` connections that are subscribed to all of the user's jobs and have received their snapshots."""
    with ExitStack() as exit_stack:
        pages = []
        for _ in range(count):
            page = exit_stack.enter_context(connect(str(stack.ws_url), additional_headers={"Cookie": api.cookie}))
            page.send('{"action":"subscribe"}')
            page.send('{"action":"ping"}')
            while json.loads(page.recv(timeout=_END_SECONDS))["type"] != "pong":
                pass
            pages.append(page)
        yield pages


def _follow(api: Api, pages: Sequence[ClientConnection], jobs: int) -> list[Delays]:
    """Create `jobs` jobs one after another; return the delays of their changes, one list for each page.

    Versions that did not reach every page are left out.
    """
    delays: list[list[float]] = [[] for _ in pages]
    with ThreadPoolExecutor(len(pages)) as pool:
        for _ in range(jobs):
            job_id, _answered_at = api.post_job()
            arrivals = list(pool.map(lambda page, job_id=job_id: _receive_versions(page, job_id), pages))
            common = set.intersection(*(set(versions) for versions in arrivals))
            for page_delays, versions in zip(delays, arrivals, strict=True):
                page_delays += [versions[version] for version in sorted(common)]
    return list(delays)


def _receive_versions(page: ClientConnection, job_id: str) -> dict[int, float]:
    """Receive updates until the job ends; return each version's delay in milliseconds, by version."""
    arrived: dict[int, float] = {}
    while True:
        update: dict[str, Any] = json.loads(page.recv(timeout=_END_SECONDS))
        now = time.time()
        if update["jobId"] != job_id:
            continue
        updated_at = datetime.fromisoformat(update["data"]["updatedAt"]).timestamp()
        arrived.setdefault(update["version"], (now - updated_at) * 1000)
        if update["data"]["status"] in _ENDED:
            if update["data"]["status"] != "completed":
                raise MeasurementError(f"Job {job_id} ended with status {update['data']['status']}.")
            return arrived
