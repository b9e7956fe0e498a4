"""Deployments of a system while users request videos, and what becomes of their jobs."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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

WISH = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
SETTLE_SECONDS = 240
"""A worker that a deployment killed holds its lease for 25 s, and the reconciler comes each minute."""
PAUSE_SECONDS = 0.5
"""Before a request that was not answered 201 is repeated."""
ASKING_SECONDS = 2
"""Between one job and the next: all of them are drawn on this machine, while it builds and deploys."""
_VIDEO = re.compile(r"videos/[0-9a-f]{24}/\d+\.mp4")
"""An attempt's video; what it was made of is beside it."""


@dataclass
class Phase:
    """One deployment, and what happened to the jobs that it met."""

    name: str
    seconds: float = 0
    met: Counter[str] = field(default_factory=Counter)
    """The jobs that were under way when it began, by status."""
    answers: Counter[int] = field(default_factory=Counter)
    """What the API said to those who asked meanwhile; 0 for nothing."""
    ended: Counter[str] = field(default_factory=Counter)
    """How the jobs ended, those that it met and those that were asked for meanwhile."""
    wrong: list[str] = field(default_factory=list)
    """A line for each job that was lost or doubled."""
    stack_status: str = ""


@dataclass
class System:
    """The system that is deployed again and again."""

    config: CloudConfig
    stack: Stack
    phases: list[Phase]
    """What has happened to it."""

    @cached_property
    def database(self) -> Any:
        """Where its jobs are."""
        client: Any = pymongo.MongoClient(self.stack.mongo_uri)
        return client.get_default_database()

    def close(self) -> None:
        """Leave it."""
        self.database.client.close()

    def videos(self) -> Counter[str]:
        """How many videos each job has in the bucket."""
        client = open_session(self.config).client("s3", endpoint_url=self.stack.aws_endpoint_url)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.stack.bucket, Prefix="videos/")
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
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
"""Deploys one version, and returns once its API responds."""


def deploy(config: CloudConfig, up: Deploy, name: str) -> System:
    """Deploy to an empty system."""
    began = time.monotonic()
    stack = up()
    phase = Phase(name, seconds=time.monotonic() - began, stack_status=_status(config, stack))
    return System(config, stack, [phase])


def deploy_over(system: System, up: Deploy, name: str, *, jobs: int, fails: bool = False) -> None:
    """Deploy while `jobs` jobs are in progress and a user submits more, and wait until all have ended."""
    phase = Phase(name)
    ids = _ask_for(system, jobs)
    phase.met = _wait_until_under_way(system, ids)
    with _asking(system, phase) as asked:
        began = time.monotonic()
        try:
            system.stack = up()
            assert not fails, f"{name}: this deployment was to fail"
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
    found = describe_stack(config, stack.aws_endpoint_url)
    return found.status if found else "gone"


def _ask_for(system: System, jobs: int) -> list[str]:
    """Half of them in batches of five, of users who may have twenty each."""
    ids: list[str] = []
    while len(ids) < jobs:
        user = User(system.stack)
        ids += [user.submit(**WISH) for _ in range(min(5, jobs - len(ids)))]
        if len(ids) + 5 <= jobs:
            answer = user.call("POST", "/api/videos/batch", {"items": [WISH] * 5})
            assert answer.status == 201, answer.body
            ids += [each["jobId"] for each in answer.data["items"]]
    return ids


def _wait_until_under_way(system: System, ids: Sequence[str]) -> Counter[str]:
    """Some queued, some worked on: the deployment is to meet both."""
    deadline = time.monotonic() + 60
    while True:
        found = Counter(job["status"] for job in _documents(system, ids))
        if found["processing"] and (found["queued"] or found["processing"] > 1):
            return found
        assert time.monotonic() < deadline, f"no job is under way: {found}"
        time.sleep(0.1)


@contextmanager
def _asking(system: System, phase: Phase) -> Iterator[list[str]]:
    """Submit one job after another, each with an idempotency key, and repeat each request until it is accepted."""
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
        answer = user.call("POST", "/api/videos/generate", WISH, headers={"Idempotency-Key": key})
    except (OSError, HTTPException):
        phase.answers[0] += 1
        return None
    phase.answers[answer.status] += 1
    return str(answer.data["jobId"]) if answer.status == 201 else None


def _documents(system: System, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    return list(system.database["videojobs"].find({"_id": {"$in": [ObjectId(each) for each in ids]}}))


def _settle(system: System, ids: Sequence[str], phase: Phase) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    found = _documents(system, ids)
    while not {job["status"] for job in found} <= ENDED:
        assert time.monotonic() < deadline, f"{phase.name}: {Counter(job['status'] for job in found)}"
        time.sleep(0.5)
        found = _documents(system, ids)
    videos = system.videos()
    phase.ended = Counter(job["status"] for job in found)
    phase.wrong += [f"{job_id} is lost" for job_id in set(ids) - {str(job["_id"]) for job in found}]
    for job in found:
        seen = (
            sum(each["status"] == "completed" for each in job["history"]),
            videos[str(job["_id"])],
            job["attempt"],
        )
        if seen != (1, 1, 1):
            phase.wrong.append("{}: {} completions, {} videos, attempt {}".format(job["_id"], *seen))
    if len(ids) != len(set(ids)):
        phase.wrong.append("two answers named the same job")


def forbid_the_database(config: CloudConfig) -> CloudConfig:
    """A deployment that fails late, at the indexes: its secret is none that it may read."""
    arn = f"arn:aws:secretsmanager:{config.region}:000000000000:secret:no-such-secret"
    return replace(config, parameters={**config.parameters, "MongoSecretArn": arn})
