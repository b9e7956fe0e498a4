"""Account with 10 concurrent executions, as new accounts have: the system is slow, calls are refused, and no job fails.

Lambda throttles requests and deliveries of messages. Only `make test-long` runs this test, because a throttled message
is delivered again after five minutes, or sent again by the reconciler after a minute and a half.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.stack import Stack
from tests.deployment.test_upgrade import exiting_on_sigterm
from tests.local_system import ROOT, running
from tests.stack.client import ENDED, Response, User, eventually
from tests.stack.test_many_at_once import count_ends, read_documents

CONCURRENCY = 10
JOBS = 40
REQUEST = {"prompt": "A kite over the sea", "style": "background", "duration": 1, "aspectRatio": "1:1"}
REFUSALS = {429, 503}
"""Statuses of a throttled call: 503, or the 429 of the local AWS."""
PATIENCE_SECONDS = 1800


@pytest.fixture(scope="module")
def cloud() -> CloudConfig:
    """Return the configuration of a system of its own, because the limit applies to everything that it runs."""
    state = ROOT / os.environ.get("LOCALCLOUD_STATE", ".local/test") / "limit"
    return CloudConfig.from_environment({**os.environ, "LOCALCLOUD_STATE": str(state)})


@pytest.fixture(scope="module")
def limited(cloud: CloudConfig) -> Iterator[Stack]:
    """Yield a system in an account with 10 concurrent executions."""
    with exiting_on_sigterm(), running(cloud, ACCOUNT_CONCURRENCY=str(CONCURRENCY)) as stack:
        yield stack


def submit(user: User, number: int, refused: list[int]) -> str:
    """Create a job, repeat the request while it is refused, and return the job ID. Add the refusals to `refused`."""

    def call() -> Response | None:
        response = user.call("POST", "/api/videos/generate", REQUEST, headers={"Idempotency-Key": f"job-{number}"})
        if response.status == 201:
            return response
        refused.append(response.status)
        return None

    response = eventually(call, "no request was accepted", seconds=PATIENCE_SECONDS)
    assert response is not None
    return str(response.data["jobId"])


def wait(user: User, job_id: str) -> dict[str, Any]:
    """Return the job when it has ended; repeat requests that are refused."""

    def look() -> dict[str, Any] | None:
        response = user.call("GET", f"/api/videos/{job_id}")
        assert response.status in {200, *REFUSALS}
        return response.data if response.status == 200 and response.data["status"] in ENDED else None

    job = eventually(look, "the job has not ended", seconds=PATIENCE_SECONDS)
    assert job is not None
    return job


@pytest.mark.timeout(3600)
def test_account_with_ten_concurrent_executions_completes_every_job(limited: Stack, cloud: CloudConfig) -> None:
    functions = open_session(cloud).client("lambda", endpoint_url=limited.aws_endpoint_url)
    assert functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == CONCURRENCY
    users = [User(limited) for _ in range(4)]  # each can create 30 jobs a minute
    refused: list[int] = []

    with ThreadPoolExecutor(JOBS) as pool:
        job_ids = list(pool.map(lambda number: submit(users[number % len(users)], number, refused), range(JOBS)))
    ended = [wait(users[number % len(users)], job_id) for number, job_id in enumerate(job_ids)]

    assert refused, "the limit was not reached"
    assert set(refused) <= REFUSALS
    assert Counter(job["status"] for job in ended) == {"completed": JOBS}
    assert len(set(job_ids)) == JOBS
    assert {count_ends(document) for document in read_documents(limited, job_ids)} == {1}
