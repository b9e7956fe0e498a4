"""Deployments of a system while users request videos, and the outcomes of their jobs."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from typing import Any
from uuid import uuid4

import pymongo
from botocore.exceptions import BotoCoreError, ClientError
from bson import ObjectId

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.deployment import describe_stack
from localcloud.errors import LocalCloudError
from localcloud.stack import Stack
from tests.stack.client import ENDED, User

REQUEST = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
SETTLE_SECONDS = 240
"""Time until all jobs must have ended. The lease of a stopped worker lasts 25 s; the reconciler runs every minute."""
PAUSE_SECONDS = 0.5
"""Pause before a request without a 201 response is retried."""
ASKING_SECONDS = 2
"""Pause between two jobs. This machine renders all of them while it builds and deploys."""
_VIDEO = re.compile(r"videos/[0-9a-f]{24}/\d+\.mp4")
"""Key of the video of an attempt; the prefix also contains intermediate files, which do not match."""


@dataclass
class Phase:
    """One deployment, and the outcomes of the jobs that were in progress."""

    name: str
    seconds: float = 0
    met: Counter[str] = field(default_factory=Counter)
    """Jobs that were in progress at the start of the deployment, by status."""
    answers: Counter[int] = field(default_factory=Counter)
    """Responses to requests during the deployment, by status; 0 means no response."""
    ended: Counter[str] = field(default_factory=Counter)
    """Final statuses of the jobs from before and during the deployment."""
    wrong: list[str] = field(default_factory=list)
    """A line for each job that was lost or doubled."""
    stack_status: str = ""


@dataclass
class System:
    """System under test and its deployments."""

    config: CloudConfig
    stack: Stack
    phases: list[Phase]
    """Deployments so far, the first of which created the system."""

    @cached_property
    def database(self) -> Any:
        """Return the database of the jobs."""
        client: Any = pymongo.MongoClient(self.stack.mongo_uri)
        return client.get_default_database()

    def close(self) -> None:
        """Close the connection to the database."""
        self.database.client.close()

    def videos(self) -> Counter[str]:
        """Return the number of videos of each job in the bucket."""
        client = open_session(self.config).client("s3", endpoint_url=self.stack.aws_endpoint_url)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.stack.bucket, Prefix="videos/")
        keys = [stored["Key"] for page in pages for stored in page.get("Contents", [])]
        return Counter(key.split("/")[1] for key in keys if _VIDEO.fullmatch(key))

    def locate(self) -> Stack:
        """Return the system with the API's present address, or unchanged while the local AWS restarts.

        A new route gives the API another address here, but not on AWS (docs/local-differences.md).
        """
        now = self.stack
        try:
            deployed = describe_stack(self.config, now.aws_endpoint_url)
        except (BotoCoreError, ClientError):
            deployed = None
        if deployed is None:
            return now
        return Stack.of(
            deployed,
            stack_name=self.config.stack_name,
            endpoint_url=now.aws_endpoint_url,
            web_url=now.web_url,
            mongo_uri=now.mongo_uri,
            secret=now.jwt_secret,
        )


type Deploy = Callable[[], Stack]
"""Function that deploys one version and returns its stack once the API responds."""


def deploy(config: CloudConfig, up: Deploy, name: str) -> System:
    """Deploy to an empty system, and return it."""
    began = time.monotonic()
    stack = up()
    phase = Phase(name, seconds=time.monotonic() - began, stack_status=_status(config, stack))
    return System(config, stack, [phase])


def deploy_over(system: System, up: Deploy, name: str, *, jobs: int, fails: bool = False) -> None:
    """Deploy while `jobs` jobs are in progress and users submit more, and wait until all have ended.

    The outcome is added to `system.phases`. With `fails`, the deployment is expected to fail.
    """
    phase = Phase(name)
    ids = _ask_for(system, jobs)
    phase.met = _wait_until_in_progress(system, ids)
    with _asking(system, phase) as asked:
        began = time.monotonic()
        try:
            system.stack = up()
            assert not fails, f"{name}: the deployment succeeded, but was expected to fail"
        except LocalCloudError:
            if not fails:
                raise
        phase.seconds = time.monotonic() - began
    system.stack = system.locate()
    phase.stack_status = _status(system.config, system.stack)
    last = User(system.stack).submit(duration=1)
    _settle(system, [*ids, *asked, last], phase)
    system.phases.append(phase)


def _status(config: CloudConfig, stack: Stack) -> str:
    deployed = describe_stack(config, stack.aws_endpoint_url)
    return deployed.status if deployed else "gone"


def _ask_for(system: System, jobs: int) -> list[str]:
    """Submit `jobs` jobs, half of them in batches of five, with a new user for each ten. Return their IDs."""
    ids: list[str] = []
    while len(ids) < jobs:
        user = User(system.stack)
        ids += [user.submit(**REQUEST) for _ in range(min(5, jobs - len(ids)))]
        if len(ids) + 5 <= jobs:
            response = user.call("POST", "/api/videos/batch", {"items": [REQUEST] * 5})
            assert response.status == 201, response.body
            ids += [job["jobId"] for job in response.data["items"]]
    return ids


def _wait_until_in_progress(system: System, ids: Sequence[str]) -> Counter[str]:
    """Wait until jobs are queued and in processing at the same time. Return the number of jobs by status."""
    deadline = time.monotonic() + 60
    while True:
        counts = Counter(job["status"] for job in _documents(system, ids))
        if counts["processing"] and (counts["queued"] or counts["processing"] > 1):
            return counts
        assert time.monotonic() < deadline, f"no job is in progress: {counts}"
        time.sleep(0.1)


@contextmanager
def _asking(system: System, phase: Phase) -> Iterator[list[str]]:
    """Submit jobs during the block, each with an idempotency key and retried until accepted. Yield their IDs."""
    ids: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            user, key = User(system.stack), uuid4().hex
            while (job_id := _ask_once(user, key, phase)) is None:
                time.sleep(PAUSE_SECONDS)
                user = replace(user, stack=system.locate())
            ids.append(job_id)
            stop.wait(ASKING_SECONDS)

    # A daemon, so that it does not keep an interrupted process alive.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield ids
    stop.set()
    thread.join(SETTLE_SECONDS)
    assert not thread.is_alive(), f"{phase.name}: a request was not accepted within {SETTLE_SECONDS} s"


def _ask_once(user: User, key: str, phase: Phase) -> str | None:
    try:
        response = user.call("POST", "/api/videos/generate", REQUEST, headers={"Idempotency-Key": key})
    except (OSError, HTTPException):
        phase.answers[0] += 1
        return None
    phase.answers[response.status] += 1
    return str(response.data["jobId"]) if response.status == 201 else None


def _documents(system: System, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    return list(system.database["videojobs"].find({"_id": {"$in": [ObjectId(job_id) for job_id in ids]}}))


def _settle(system: System, ids: Sequence[str], phase: Phase) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    jobs = _documents(system, ids)
    while not {job["status"] for job in jobs} <= ENDED:
        assert time.monotonic() < deadline, f"{phase.name}: {Counter(job['status'] for job in jobs)}"
        time.sleep(0.5)
        jobs = _documents(system, ids)
    videos = system.videos()
    phase.ended = Counter(job["status"] for job in jobs)
    phase.wrong += [f"{job_id} is lost" for job_id in set(ids) - {str(job["_id"]) for job in jobs}]
    for job in jobs:
        seen = (
            sum(entry["status"] == "completed" for entry in job["history"]),
            videos[str(job["_id"])],
            job["attempt"],
        )
        if seen != (1, 1, 1):
            phase.wrong.append("{}: {} completions, {} videos, attempt {}".format(job["_id"], *seen))
    if len(ids) != len(set(ids)):
        phase.wrong.append("two responses named the same job")


def forbid_the_database(config: CloudConfig) -> CloudConfig:
    """Return a configuration whose deployment fails late, at the indexes, as its MongoDB secret does not exist."""
    arn = f"arn:aws:secretsmanager:{config.region}:000000000000:secret:no-such-secret"
    return replace(config, parameters={**config.parameters, "MongoSecretArn": arn})
