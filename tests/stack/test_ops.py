"""Operators' commands at the deployed system: what happened to a job, the intake, dead letters, failed jobs."""

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
from tests.stack.client import ENDED, Answer, User, eventually
from tests.stack.deployed import Deployed
from tests.stack.test_providers import call_back
from tests.stack.test_webhooks import about

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ops(stack: Stack, cloud: CloudConfig):
    """Give a command; what it said. Where it could not do it, the test fails with its words."""

    def run(*words: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "LOCALCLOUD_STATE": str(cloud.state),
            "PYTHONPATH": str(ROOT / "layers" / "common"),
        }
        command = [sys.executable, "-m", "ops", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_story_of_a_job_is_told_by_every_function_that_had_it(user: User, ops) -> None:
    job_id = user.submit()
    user.wait(job_id)

    def told_by_all() -> str:  # a call's log is kept a little after the job has ended
        told = str(ops("timeline", job_id))
        return told if all(f"  {name}  " in told for name in ("generate", "worker", "render", "notifier")) else ""

    told = eventually(told_by_all, "not every function has told of it")
    assert "Completed at" in told
    assert "A kite over the sea" not in told


def test_while_the_intake_is_paused_new_jobs_are_refused_and_all_else_goes_on(user: User, ops) -> None:
    job_id = user.submit()
    ops("pause", "--retry-after", "90", "--yes")
    try:
        assert "paused since" in ops("status")
        answer = eventually(lambda: answered(user, otherwise_than=201), "nobody has noticed")
        assert (answer.status, answer.error_code, answer.headers["Retry-After"]) == (503, "UNAVAILABLE", "90")
        assert user.wait(job_id)["status"] == "completed"
    finally:
        ops("resume", "--yes")
    assert eventually(lambda: answered(user, otherwise_than=503), "nobody has noticed").status == 201


def answered(user: User, *, otherwise_than: int) -> Answer | None:
    """How the API answers somebody who asks for a video; None if as it did before."""
    wish = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "16:9"}
    answer = user.call("POST", "/api/videos/generate", wish)
    return None if answer.status == otherwise_than else answer


def test_a_dead_letter_of_the_webhooks_is_delivered_after_all(
    user: User, stack: Stack, deployed: Deployed, platform: Receiver, ops
) -> None:
    job_id = user.submit()
    user.wait(job_id)
    sqs, functions = deployed.client("sqs"), deployed.client("lambda")
    variables = functions.get_function_configuration(FunctionName=stack.functions["webhooks"])["Environment"][
        "Variables"
    ]
    home = variables["WEBHOOKS_QUEUE_URL"]
    arn = sqs.get_queue_attributes(QueueUrl=home, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    dead_letters = sqs.get_queue_url(QueueName=json.loads(arn)["deadLetterTargetArn"].rpartition(":")[2])["QueueUrl"]
    first, *_ = eventually(lambda: about(platform, job_id), f"no webhook about {job_id}")
    endpoint = _endpoint(variables)
    lost = {"id": first.headers["webhook-id"], "jobId": job_id, "endpoint": endpoint, "attempt": 1}
    sqs.send_message(QueueUrl=dead_letters, MessageBody=json.dumps(lost))
    before = len(platform.got)
    assert "Webhooks: 1 delivered again" in ops("redrive", "webhooks", "--yes")
    eventually(lambda: [each for each in platform.got[before:] if job_id in each.body], "it was not delivered")
    assert "Webhooks: 0 delivered again" in ops("redrive", "webhooks", "--yes")


def _endpoint(variables: dict[str, str]) -> str:
    from videojobs.domain.webhook import name_endpoint

    [url] = [url for url in variables["WEBHOOK_URLS"].split(",") if url.endswith("/hooks")]
    return str(name_endpoint(url))


def test_a_job_that_failed_is_done_again(user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, ops) -> None:
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
            call_back(stack, job_id, ref)  # else the server is asked once a minute only
        return job["status"] in ENDED

    assert user.wait(job_id, until=has_ended)["status"] == "completed"
    assert "left alone" in ops("replay", job_id, "--yes")
