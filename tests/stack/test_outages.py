"""Short outages of MongoDB and SQS in the deployed system: callers get an error at once, and no job is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import psutil

from localcloud.config import CloudConfig
from localcloud.processes import find_server
from localcloud.servers import MONGO
from localcloud.stack import Stack
from tests.stack.client import User

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


def test_outage_of_mongodb_returns_503_with_retry_after(user: User, cloud: CloudConfig) -> None:
    job_id = user.submit()
    with paused_mongodb(cloud):
        with ThreadPoolExecutor() as pool:  # each call waits for MongoDB for seconds
            calls = [
                pool.submit(user.call, "GET", f"/api/videos/{job_id}"),
                pool.submit(user.call, "POST", "/api/videos/generate", REQUEST),
            ]
        responses = [call.result() for call in calls]
    for response in responses:  # a function that times out would return 502 or 504
        assert (response.status, response.error_code) == (503, "UNAVAILABLE")
        assert int(response.headers["Retry-After"]) > 0
    assert user.wait(job_id)["status"] == "completed"


def test_job_accepted_during_an_outage_of_sqs_is_sent_by_the_reconciler(user: User, stack: Stack) -> None:
    nowhere = stack.queues["jobs"].rsplit("/", 1)[0] + "/no-such-queue"
    with with_variables(stack, "generate", JOBS_QUEUE_URL=nowhere):
        response = user.call("POST", "/api/videos/generate", REQUEST)
    assert response.status == 201
    job_id = response.data["jobId"]
    assert user.read(job_id)["status"] == "queued"
    assert user.wait(job_id)["status"] == "completed"
