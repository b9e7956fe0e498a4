"""Videos that an AI provider generates in several parts, in the deployed system."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from standardwebhooks import Webhook

from localcloud.stack import Stack
from tests.conftest import AI_KEY, AI_WEBHOOK_SECRET
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Fate, Task
from tests.receiver import Receiver
from tests.stack.client import ENDED, User, eventually
from videojobs_media.inspect import inspect_video

REQUEST = {"prompt": "A lighthouse in a storm", "style": "calm", "duration": 16.5, "aspectRatio": "9:16"}


@pytest.fixture(autouse=True)
def reset_ai_server(ai_server: OpenaiCompatibleCounterpart) -> Iterator[None]:
    """Start each test with an empty list of provider tasks; let the server succeed again afterwards."""
    ai_server.tasks.clear()
    yield
    ai_server.fate = Fate.MAKES


def call_back(stack: Stack, job_id: str, ref: str) -> int:
    """Send the signed callback of a finished task. Return the status of the response."""
    body = json.dumps({"type": "video.completed", "data": {"id": ref}})
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "a-callback",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(AI_WEBHOOK_SECRET).sign("a-callback", now, body),
    }
    url = f"{stack.api_url}/api/providers/openai_compatible/callback?job={job_id}"
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=30) as response:
        status: int = response.status
        return status


TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def tasks_of(ai_server: OpenaiCompatibleCounterpart) -> dict[str, Task]:
    """Return the provider tasks of this file's jobs, without those of other tests."""
    return {ref: task for ref, task in ai_server.tasks.items() if REQUEST["prompt"] in str(task.body)}


def make(
    user: User, ai_server: OpenaiCompatibleCounterpart, on_part: Callable[[str, str], Any], **changes: object
) -> dict[str, Any]:
    """Create a job and poll it until it has ended, calling `on_part` with the job ID and its newest task. Return it."""
    trace = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    response = user.call(
        "POST", "/api/videos/generate", {**REQUEST, "provider": "openai_compatible", **changes}, headers=trace
    )
    job_id = str(response.data["jobId"])

    def has_ended(job: dict[str, Any]) -> bool:
        if job["status"] in ENDED:
            return True
        for ref in list(tasks_of(ai_server))[-1:]:
            on_part(job_id, ref)
        return False

    return user.wait(job_id, until=has_ended)


def logged_since(stack: Stack, since: int) -> Iterator[str]:
    """Yield the log messages of all functions since a Unix time in milliseconds."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    logs = session.client("logs", endpoint_url=stack.aws_endpoint_url)
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/videojobs/{stack.stack_name}/")["logGroups"]
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], startTime=since)
        yield from (event["message"] for page in pages for event in page["events"])


def test_three_parts_are_joined_into_one_video_of_the_exact_length(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, tmp_path: Path
) -> None:
    since = int(time.time() * 1000)
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref))
    assert job["status"] == "completed", job
    assert [task.fetched for task in tasks_of(ai_server).values()] == [1, 1, 1]
    saved = tmp_path / "video.mp4"
    with urllib.request.urlopen(job["videoUrl"], timeout=30) as response:
        saved.write_bytes(response.read())
    facts = inspect_video(saved)
    assert (facts.width, facts.height, facts.frames, facts.codec, facts.faststart) == (720, 1280, 396, "h264", True)
    assert job["output"] == {
        "seconds": pytest.approx(16.5, abs=0.001),
        "width": 720,
        "height": 1280,
        "bytes": saved.stat().st_size,
        "segments": 3,
        "missingScripts": [],
    }
    assert job["estimatedCost"] == {"amount": 2.4, "currency": "USD", "pricesAsOf": "2026-11-01"}
    assert (job["provider"], job["promptShortened"]) == ("openai_compatible", False)
    logged = list(logged_since(stack, since))
    assert any(job["jobId"] in message for message in logged)
    assert not [message for message in logged if AI_KEY in message or REQUEST["prompt"] in message]
    assert not [message for message in logged if "AccessDenied" in message]


METRICS_OF_A_COMPLETED_JOB = {
    "JobsAccepted",
    "JobsStarted",
    "QueueWait",
    "JobsCompleted",
    "ProcessingTime",
    "JobAttempts",
}


def test_one_trace_connects_the_request_the_provider_and_the_webhook(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, platform: Receiver
) -> None:
    since = int(time.time() * 1000)
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref), duration=4)
    functions = {f"{name}Function" for name in ("Generate", "Worker", "Render", "Notifier", "Webhooks")}

    def lines_of_the_job() -> list[dict[str, Any]]:
        return [json.loads(line) for line in logged_since(stack, since) if job["jobId"] in line]

    def list_traced_functions() -> set[str]:
        lines = lines_of_the_job()
        return {line["function_name"].rsplit("-", 2)[1] for line in lines if line.get("trace_id") == TRACE_ID}

    # Webhooks are sent and logs arrive shortly after the job has ended.
    eventually(lambda: list_traced_functions() >= functions, "not every function has logged the trace")
    eventually(lambda: any("ProviderCost" in line for line in lines_of_the_job()), "the cost is not logged")
    lines = lines_of_the_job()
    sent = [post.headers.get("traceparent", "") for post in platform.got if job["jobId"] in post.body]
    assert sent
    assert all(TRACE_ID in traceparent for traceparent in sent)
    assert any(TRACE_ID in traceparent for traceparent in ai_server.traceparents)
    assert {name for line in lines for name in METRICS_OF_A_COMPLETED_JOB if name in line} == METRICS_OF_A_COMPLETED_JOB
    assert [line["ProviderCost"] for line in lines if "ProviderCost" in line] == [0.8]


def test_rejected_prompt_fails_the_job_with_advice_and_no_further_task(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart
) -> None:
    ai_server.fate, ai_server.refusal = Fate.REFUSES, "at once"
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref))
    assert (job["status"], tasks_of(ai_server)) == ("failed", {})
    assert "Change the prompt" in job["errorMessage"]


def test_unsigned_callback_is_rejected(user: User, stack: Stack) -> None:
    response = user.call("POST", f"/api/providers/openai_compatible/callback?job={'0' * 24}", body=b"{}")
    assert (response.status, response.error_code) == (401, "TOKEN_INVALID")


def test_provider_that_is_not_allowed_is_rejected(user: User) -> None:
    response = user.call("POST", "/api/videos/generate", body={**REQUEST, "provider": "fal"})
    assert (response.status, response.error_code) == (400, "VALIDATION_ERROR")
    assert response.json["error"]["details"] == [{"field": "provider", "message": "Must be one of: openai_compatible."}]
