"""What stands behind the API goes away for a while: the caller is told at once, and no job is lost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import psutil
import pytest

from localcloud.config import CloudConfig
from localcloud.processes import find_server
from localcloud.servers import MONGO
from localcloud.stack import Stack
from tests.stack.client import User

WISH = {"prompt": "A kite over the sea", "style": "background", "duration": 1, "aspectRatio": "1:1"}


@contextmanager
def paused_mongodb(cloud: CloudConfig) -> Iterator[None]:
    """MongoDB accepts connections and says nothing: worse than gone."""
    server = find_server(cloud.state, MONGO)
    assert server is not None
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        while _thread_statuses(process) != {psutil.STATUS_STOPPED}:  # on a busy machine they answer for some ms more
            time.sleep(0.01)
        yield
    finally:
        process.resume()


def _thread_statuses(process: psutil.Process) -> set[str]:
    return {psutil.Process(thread.id).status() for thread in process.threads()}


@contextmanager
def misled(stack: Stack, function: str, **variables: str) -> Iterator[None]:
    """A function with other environment variables for a while: a version of its own, behind the alias."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    functions: Any = session.client("lambda", endpoint_url=stack.aws_endpoint_url)
    name = stack.functions[function]
    proper = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    kept = functions.get_function_configuration(FunctionName=name)["Environment"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": kept["Variables"] | variables})
    wrong = functions.publish_version(FunctionName=name)["Version"]
    functions.update_function_configuration(FunctionName=name, Environment=kept)
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=wrong)
    try:
        yield
    finally:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=proper)
        functions.delete_function(FunctionName=name, Qualifier=wrong)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_mongodb_the_answer_is_503_and_when_to_come_again(user: User, cloud: CloudConfig, method: str) -> None:
    job_id = user.submit()
    with paused_mongodb(cloud):
        if method == "GET":
            answer = user.call("GET", f"/api/videos/{job_id}")
        else:
            answer = user.call("POST", "/api/videos/generate", WISH)
    assert (answer.status, answer.error_code) == (503, "UNAVAILABLE")  # a function out of time would be a 502 or 504
    assert int(answer.headers["Retry-After"]) > 0
    assert user.wait(job_id)["status"] == "completed"


def test_without_sqs_a_job_is_taken_all_the_same_and_the_reconciler_sends_it(user: User, stack: Stack) -> None:
    nowhere = stack.queues["jobs"].rsplit("/", 1)[0] + "/no-such-queue"
    with misled(stack, "generate", JOBS_QUEUE_URL=nowhere):
        answer = user.call("POST", "/api/videos/generate", WISH)
    assert answer.status == 201
    job_id = answer.data["jobId"]
    assert user.read(job_id)["status"] == "queued"
    assert user.wait(job_id)["status"] == "completed"
