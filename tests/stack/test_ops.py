"""Operators' commands in the deployed system: timeline, pause, redrive, replay."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.stack import Stack
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Fate
from tests.receiver import Receiver
from tests.stack.client import ENDED, Response, User, eventually
from tests.stack.deployed import Deployed
from tests.stack.test_providers import call_back
from tests.stack.test_webhooks import about

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ops(stack: Stack, cloud: CloudConfig):
    """Return a function that runs a command of `ops` and returns its output. A command that fails fails the test."""

    def run(*arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "LOCALCLOUD_STATE": str(cloud.state),
            "PYTHONPATH": f"{ROOT / 'layers' / 'common'}:{ROOT / 'layers' / 'providers'}",
        }
        command = [sys.executable, "-m", "ops", *arguments]
        process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        return process.stdout

    return run


def test_timeline_of_a_job_includes_every_function(user: User, ops) -> None:
    job_id = user.submit()
    user.wait(job_id)

    def read_complete_timeline() -> str:  # logs arrive shortly after the job has ended
        timeline = str(ops("timeline", job_id))
        is_complete = all(f"  {name}  " in timeline for name in ("generate", "worker", "render", "notifier"))
        return timeline if is_complete else ""

    timeline = eventually(read_complete_timeline, "not every function has logged the job")
    assert "Completed at" in timeline
    assert "A kite over the sea" not in timeline


def test_pause_rejects_new_jobs_and_does_not_affect_others(user: User, ops) -> None:
    job_id = user.submit()
    ops("pause", "--retry-after", "90", "--yes")
    try:
        assert "paused since" in ops("status")
        response = eventually(lambda: submit_unless(user, status=201), "the pause has no effect", every=1.0)
        assert (response.status, response.error_code, response.headers["Retry-After"]) == (503, "UNAVAILABLE", "90")
        assert user.wait(job_id)["status"] == "completed"
    finally:
        ops("resume", "--yes")
    resumed = eventually(lambda: submit_unless(user, status=503), "the resume has no effect", every=1.0)
    assert resumed.status == 201


def submit_unless(user: User, *, status: int) -> Response | None:
    """Submit a job. Return the response, or None if it has this status."""
    request = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "16:9"}
    response = user.call("POST", "/api/videos/generate", request)
    return None if response.status == status else response


def test_redrive_delivers_a_dead_lettered_webhook(
    user: User, stack: Stack, deployed: Deployed, platform: Receiver, ops
) -> None:
    job_id = user.submit()
    user.wait(job_id)
    sqs, functions = deployed.client("sqs"), deployed.client("lambda")
    variables = functions.get_function_configuration(FunctionName=stack.functions["webhooks"])["Environment"][
        "Variables"
    ]
    queue_url = variables["WEBHOOKS_QUEUE_URL"]
    redrive_policy = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"])["Attributes"][
        "RedrivePolicy"
    ]
    dead_letters = sqs.get_queue_url(QueueName=json.loads(redrive_policy)["deadLetterTargetArn"].rpartition(":")[2])[
        "QueueUrl"
    ]
    first, *_ = eventually(lambda: about(platform, job_id), f"no webhook about {job_id}")
    endpoint = _endpoint(variables)
    lost = {"id": first.headers["webhook-id"], "jobId": job_id, "endpoint": endpoint, "attempt": 1}
    sqs.send_message(QueueUrl=dead_letters, MessageBody=json.dumps(lost))
    before = len(platform.got)
    assert "Webhooks: 1 moved" in ops("redrive", "webhooks", "--yes")
    eventually(lambda: [post for post in platform.got[before:] if job_id in post.body], "it was not delivered")
    assert "Webhooks: 0 moved" in ops("redrive", "webhooks", "--yes")


def _endpoint(variables: dict[str, str]) -> str:
    from videojobs.domain.webhook import name_endpoint

    [url] = [url for url in variables["WEBHOOK_URLS"].split(",") if url.endswith("/hooks")]
    return str(name_endpoint(url))


def test_replay_retries_a_failed_job(user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, ops) -> None:
    ai_server.fate, ai_server.refusal = Fate.REFUSES, "at once"
    try:
        job_id = user.submit(provider="openai_compatible", duration=4)
        assert user.wait(job_id)["status"] == "failed"
    finally:
        ai_server.fate = Fate.MAKES
    ai_server.tasks.clear()
    assert "queued, attempt 2" in ops("replay", job_id, "--yes")

    def has_ended(job: dict[str, object]) -> bool:
        for ref in list(ai_server.tasks)[-1:]:
            call_back(stack, job_id, ref)  # otherwise the worker polls the server only once a minute
        return job["status"] in ENDED

    assert user.wait(job_id, until=has_ended)["status"] == "completed"
    assert "unchanged" in ops("replay", job_id, "--yes")
