"""Webhooks from the deployed system to the platform's backend."""

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

FAILING_FIRST = "A kite that stumbles"
"""Prompt of a job whose webhooks fail at their first attempt."""


def data(received: Received) -> dict[str, Any]:
    """Return the job in the body of a webhook."""
    job: dict[str, Any] = json.loads(received.body)["data"]
    return job


def about(platform: Receiver, job_id: str, path: str = "/hooks") -> list[Received]:
    """Return the webhooks of a job that the endpoint has received so far."""
    return [post for post in list(platform.got) if post.path == path and data(post)["jobId"] == job_id]


@pytest.fixture(autouse=True)
def responses(platform: Receiver) -> Iterator[None]:
    """Set the platform's responses: 410 at `/gone`, 500 to first attempts for `FAILING_FIRST`, else 204."""
    before = platform.decide

    def decide(received: Received) -> Answer:
        if received.path == "/gone":
            return 410
        if data(received)["prompt"] == FAILING_FIRST and len(same_id(platform, received)) == 1:
            return 500
        return 204

    platform.decide = decide
    yield
    platform.decide = before


def same_id(platform: Receiver, received: Received) -> list[Received]:
    """Return all attempts of one delivery."""
    event_id = received.headers["webhook-id"]
    return [post for post in list(platform.got) if (post.path, post.headers["webhook-id"]) == (received.path, event_id)]


def has_completion(platform: Receiver, job_id: str) -> bool:
    """Return True if the platform has received a webhook with the status `completed` for the job."""
    return any(data(post)["status"] == "completed" for post in about(platform, job_id))


def test_platform_receives_signed_webhooks_for_a_job(user: User, platform: Receiver, cloud: CloudConfig) -> None:
    job_id = user.submit(prompt="A kite over the platform", style="background")
    eventually(lambda: has_completion(platform, job_id), f"no webhook reports that {job_id} is completed")
    secret = Webhook(read_webhook_secret(cloud))
    for post in about(platform, job_id):
        assert secret.verify(post.body, post.headers)["type"] == "job.updated"
        assert data(post)["userId"] == user.id
        assert "X-Amz-Signature" not in post.body
    last = max((data(post) for post in about(platform, job_id)), key=lambda shown: shown["version"])
    job = user.read(job_id)
    assert last["apiPath"] == f"/api/videos/{job_id}"
    assert {name: last[name] for name in last if name in job} == {name: job[name] for name in job if name in last}


def test_failed_webhook_is_retried_after_a_pause(user: User, platform: Receiver) -> None:
    job_id = user.submit(prompt=FAILING_FIRST, style="background")
    eventually(lambda: about(platform, job_id) != [], f"no webhook about {job_id}")
    [first, *_] = about(platform, job_id)
    again = sent_at(first) + RETRY_PAUSES[0].total_seconds()
    eventually(lambda: any(sent_at(post) >= again for post in same_id(platform, first)), "no second attempt")
    assert {post.headers["webhook-id"] for post in same_id(platform, first)} == {first.headers["webhook-id"]}


def sent_at(received: Received) -> int:
    """Return the time of an attempt as a Unix time in seconds."""
    return int(received.headers["webhook-timestamp"])


def test_endpoint_that_returns_410_receives_no_more_webhooks(user: User, platform: Receiver, stack: Stack) -> None:
    gone = name_endpoint(platform.url.replace("/hooks", "/gone"))
    user.submit(style="background")
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        endpoints = client.get_default_database()["webhooks"]
        eventually(lambda: endpoints.find_one({"_id": gone}) is not None, "the endpoint is not marked as gone")
    job_id = user.submit(style="background")
    eventually(lambda: has_completion(platform, job_id), f"no webhook reports that {job_id} is completed")
    assert about(platform, job_id, "/gone") == []
