"""The platform's own backend hears of every job, from the deployed system, and can believe it."""

import json
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from standardwebhooks import Webhook

from localcloud.config import CloudConfig
from localcloud.local_secrets import read_webhook_secret
from localcloud.stack import Stack
from tests.receiver import Answer, Received, Receiver
from tests.stack.client import User, eventually
from videojobs.domain.webhook import RETRY_PAUSES, name_endpoint

STUMBLING = "A kite that stumbles"
"""The prompt of a job whose webhooks fail at their first attempt."""


def data(received: Received) -> dict[str, Any]:
    """The job that a webhook shows."""
    shown: dict[str, Any] = json.loads(received.body)["data"]
    return shown


def about(platform: Receiver, job_id: str, path: str = "/hooks") -> list[Received]:
    """What came about a job so far."""
    return [got for got in list(platform.got) if got.path == path and data(got)["jobId"] == job_id]


@pytest.fixture(autouse=True)
def answers(platform: Receiver) -> Iterator[None]:
    """How the platform answers: 410 where it is gone, 500 to a first attempt about what stumbles, else 204."""
    before = platform.decide

    def decide(received: Received) -> Answer:
        if received.path == "/gone":
            return 410
        if data(received)["prompt"] == STUMBLING and len(same_id(platform, received)) == 1:
            return 500
        return 204

    platform.decide = decide
    yield
    platform.decide = before


def same_id(platform: Receiver, received: Received) -> list[Received]:
    """All attempts of one delivery."""
    event_id = received.headers["webhook-id"]
    return [got for got in list(platform.got) if (got.path, got.headers["webhook-id"]) == (received.path, event_id)]


def is_told(platform: Receiver, job_id: str) -> bool:
    """Whether the platform has heard that a job is completed."""
    return any(data(got)["status"] == "completed" for got in about(platform, job_id))


def test_the_platform_hears_how_a_job_goes_and_can_verify_it(
    user: User, platform: Receiver, cloud: CloudConfig
) -> None:
    job_id = user.submit(prompt="A kite over the platform", style="background")
    eventually(lambda: is_told(platform, job_id), f"no webhook says that {job_id} is completed")
    secret = Webhook(read_webhook_secret(cloud))
    for got in about(platform, job_id):
        assert secret.verify(got.body, got.headers)["type"] == "job.updated"
        assert data(got)["userId"] == user.id
        assert "X-Amz-Signature" not in got.body
    last = max((data(got) for got in about(platform, job_id)), key=lambda shown: shown["version"])
    job = user.read(job_id)
    assert last["apiPath"] == f"/api/videos/{job_id}"
    assert {name: last[name] for name in last if name in job} == {name: job[name] for name in job if name in last}


def test_what_the_platform_did_not_take_comes_again_after_a_pause(user: User, platform: Receiver) -> None:
    job_id = user.submit(prompt=STUMBLING, style="background")
    eventually(lambda: about(platform, job_id) != [], f"no webhook about {job_id}")
    [first, *_] = about(platform, job_id)
    again = sent_at(first) + RETRY_PAUSES[0].total_seconds()
    eventually(lambda: any(sent_at(got) >= again for got in same_id(platform, first)), "no second attempt")
    assert {got.headers["webhook-id"] for got in same_id(platform, first)} == {first.headers["webhook-id"]}


def sent_at(received: Received) -> int:
    """When an attempt was made, in seconds of Unix time."""
    return int(received.headers["webhook-timestamp"])


def test_an_endpoint_that_is_gone_is_left_alone(user: User, platform: Receiver, stack: Stack) -> None:
    gone = name_endpoint(platform.url.replace("/hooks", "/gone"))
    user.submit(style="background")
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        endpoints = client.get_default_database()["webhooks"]
        eventually(lambda: endpoints.find_one({"_id": gone}) is not None, "nobody noticed that an endpoint is gone")
    job_id = user.submit(style="background")
    eventually(lambda: is_told(platform, job_id), f"no webhook says that {job_id} is completed")
    assert about(platform, job_id, "/gone") == []
