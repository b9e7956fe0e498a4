"""Short outages of MongoDB and SQS in the deployed system: callers get an error at once, and no job is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import psutil
import pytest

from localcloud.config import CloudConfig
from localcloud.processes import find_server
from localcloud.servers import MONGO
from localcloud.stack import Stack
from tests.stack.client import Response, User

REQUEST = {"prompt": "A kite over the sea", "style": "background", "duration": 1, "aspectRatio": "1:1"}


@contextmanager
def paused_mongodb(cloud: CloudConfig) -> Iterator[None]:
    """Suspend MongoDB: it accepts connections and does not respond, which is worse than refusing them."""
    server = find_server(cloud.state, MONGO)
    assert server is not None
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        while _thread_statuses(process) != {psutil.STATUS_STOPPED}:  # on a busy machine threads run a few ms longer
            time.sleep(0.01)
        yield
    finally:
        process.resume()


def _thread_statuses(process: psutil.Process) -> set[str]:
    return {psutil.Process(thread.id).status() for thread in process.threads()}


@contextmanager
def with_variables(stack: Stack, function: str, **variables: str) -> Iterator[None]:
    """Point the alias of a function to a new version with these environment variables, and back afterwards."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    functions: Any = session.client("lambda", endpoint_url=stack.aws_endpoint_url)
    name = stack.functions[function]
    stable = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    kept = functions.get_function_configuration(FunctionName=name)["Environment"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": kept["Variables"] | variables})
    changed = functions.publish_version(FunctionName=name)["Version"]
    functions.update_function_configuration(FunctionName=name, Environment=kept)
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=changed)
    try:
        yield
    finally:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=stable)
        functions.delete_function(FunctionName=name, Qualifier=changed)


@dataclass(frozen=True)
class Outages:
    """Responses during both outages, and the jobs that must be completed afterwards."""

    user: User
    begun: str
    """ID of a job that was created before the outage of MongoDB."""
    without_mongodb: list[Response]
    without_sqs: Response
    unsent: dict[str, Any]
    """The job that was created during the outage of SQS, as read before the outage ended."""


@pytest.fixture(scope="module")
def outages(stack: Stack, cloud: CloudConfig) -> Outages:
    """Return what happened in both outages. Both come before the tests, so that these wait for recovery only once."""
    user = User(stack)
    begun = user.submit()
    with paused_mongodb(cloud), ThreadPoolExecutor() as pool:  # each call waits for MongoDB for seconds
        calls = [
            pool.submit(user.call, "GET", f"/api/videos/{begun}"),
            pool.submit(user.call, "POST", "/api/videos/generate", REQUEST),
        ]
        without_mongodb = [call.result() for call in calls]
    nowhere = stack.queues["jobs"].rsplit("/", 1)[0] + "/no-such-queue"
    with with_variables(stack, "generate", JOBS_QUEUE_URL=nowhere):
        without_sqs = user.call("POST", "/api/videos/generate", REQUEST)
        unsent = user.read(without_sqs.data["jobId"])
    return Outages(user, begun, without_mongodb, without_sqs, unsent)


def test_outage_of_mongodb_returns_503_with_retry_after(outages: Outages) -> None:
    for response in outages.without_mongodb:  # a function that times out would return 502 or 504
        assert (response.status, response.error_code) == (503, "UNAVAILABLE")
        assert int(response.headers["Retry-After"]) > 0
    assert outages.user.wait(outages.begun)["status"] == "completed"


def test_job_accepted_during_an_outage_of_sqs_is_sent_by_the_reconciler(outages: Outages) -> None:
    assert outages.without_sqs.status == 201
    assert outages.unsent["status"] == "queued"
    assert outages.user.wait(outages.unsent["jobId"])["status"] == "completed"
