"""A video that an AI server makes part by part becomes exactly what was asked for, in the deployed system."""

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
from videojobs.adapters.media.inspect import inspect_video

ASKED = {"prompt": "A lighthouse in a storm", "style": "calm", "duration": 16.5, "aspectRatio": "9:16"}


@pytest.fixture(autouse=True)
def as_it_was(ai_server: OpenaiCompatibleCounterpart) -> Iterator[None]:
    """Each test finds the server well, and its ledger empty."""
    ai_server.tasks.clear()
    yield
    ai_server.fate = Fate.MAKES


def call_back(stack: Stack, job_id: str, ref: str) -> int:
    """What the server would say, signed, when a task has ended; the status of the answer."""
    body = json.dumps({"type": "video.completed", "data": {"id": ref}})
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "a-callback",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(AI_WEBHOOK_SECRET).sign("a-callback", now, body),
    }
    url = f"{stack.api_url}/api/providers/openai_compatible/callback?job={job_id}"
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=30) as answer:
        status: int = answer.status
        return status


TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def tasks_of(ai_server: OpenaiCompatibleCounterpart) -> dict[str, Task]:
    """The ledger without what jobs of other tests may still be making."""
    return {ref: task for ref, task in ai_server.tasks.items() if ASKED["prompt"] in str(task.body)}


def make(
    user: User, ai_server: OpenaiCompatibleCounterpart, on_part: Callable[[str, str], Any], **changes: object
) -> dict[str, Any]:
    """Ask for a video, and call `on_part` with the job and its newest task again and again until it has ended."""
    story = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    asked = user.call(
        "POST", "/api/videos/generate", {**ASKED, "provider": "openai_compatible", **changes}, headers=story
    )
    job_id = str(asked.data["jobId"])

    def has_ended(job: dict[str, Any]) -> bool:
        if job["status"] in ENDED:
            return True
        for ref in list(tasks_of(ai_server))[-1:]:
            on_part(job_id, ref)
        return False

    return user.wait(job_id, until=has_ended)


def logged_since(stack: Stack, since: int) -> Iterator[str]:
    """All that any function has logged from then on."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    logs = session.client("logs", endpoint_url=stack.aws_endpoint_url)
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/videojobs/{stack.stack_name}/")["logGroups"]
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], startTime=since)
        yield from (event["message"] for page in pages for event in page["events"])


def test_three_parts_become_one_video_to_the_frame(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, tmp_path: Path
) -> None:
    since = int(time.time() * 1000)
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref))
    assert job["status"] == "completed", job
    assert [task.fetched for task in tasks_of(ai_server).values()] == [1, 1, 1]
    saved = tmp_path / "video.mp4"
    with urllib.request.urlopen(job["videoUrl"], timeout=30) as answer:
        saved.write_bytes(answer.read())
    facts = inspect_video(saved)
    assert (facts.width, facts.height, facts.frames, facts.codec, facts.faststart) == (720, 1280, 396, "h264", True)
    assert job["output"] == {
        "seconds": pytest.approx(16.5, abs=0.001),
        "width": 720,
        "height": 1280,
        "bytes": saved.stat().st_size,
        "segments": 3,
    }
    assert job["estimatedCost"] == {"amount": 2.4, "currency": "USD", "pricesAsOf": "2026-11-01"}
    assert (job["provider"], job["promptShortened"]) == ("openai_compatible", False)
    logged = list(logged_since(stack, since))
    assert any(job["jobId"] in message for message in logged)
    assert not [message for message in logged if AI_KEY in message or ASKED["prompt"] in message]
    assert not [message for message in logged if "AccessDenied" in message]


COUNTED_OF_A_HAPPY_JOB = {"JobsAccepted", "JobsStarted", "QueueWait", "JobsCompleted", "ProcessingTime", "JobAttempts"}


def test_one_story_leads_from_the_browser_to_the_provider_and_to_who_is_told(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart, platform: Receiver
) -> None:
    since = int(time.time() * 1000)
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref), duration=4)
    functions = {f"{name}Function" for name in ("Generate", "Worker", "Render", "Notifier", "Webhooks")}

    def lines_of_the_job() -> list[dict[str, Any]]:
        return [json.loads(line) for line in logged_since(stack, since) if job["jobId"] in line]

    def who_tells() -> set[str]:
        lines = lines_of_the_job()
        return {line["function_name"].rsplit("-", 2)[1] for line in lines if line.get("trace_id") == TRACE_ID}

    # The last change is told, and a call's log is kept, a little after the job has ended.
    eventually(lambda: who_tells() >= functions, "not every function has told of it")
    eventually(lambda: any("ProviderCost" in line for line in lines_of_the_job()), "nobody has told its cost")
    lines = lines_of_the_job()
    told = [each.headers.get("traceparent", "") for each in platform.got if job["jobId"] in each.body]
    assert told
    assert all(TRACE_ID in traceparent for traceparent in told)
    assert any(TRACE_ID in traceparent for traceparent in ai_server.traceparents)
    assert {name for line in lines for name in COUNTED_OF_A_HAPPY_JOB if name in line} == COUNTED_OF_A_HAPPY_JOB
    assert [line["ProviderCost"] for line in lines if "ProviderCost" in line] == [0.8]


def test_a_refusal_is_told_in_words_and_costs_nothing_more(
    user: User, stack: Stack, ai_server: OpenaiCompatibleCounterpart
) -> None:
    ai_server.fate, ai_server.refusal = Fate.REFUSES, "at once"
    job = make(user, ai_server, lambda job_id, ref: call_back(stack, job_id, ref))
    assert (job["status"], tasks_of(ai_server)) == ("failed", {})
    assert "Change the prompt" in job["errorMessage"]


def test_a_callback_that_nobody_signed_is_refused(user: User, stack: Stack) -> None:
    answer = user.call("POST", f"/api/providers/openai_compatible/callback?job={'0' * 24}", body=b"{}")
    assert (answer.status, answer.error_code) == (401, "TOKEN_INVALID")


def test_a_provider_that_requests_may_not_choose_is_refused(user: User) -> None:
    answer = user.call("POST", "/api/videos/generate", body={**ASKED, "provider": "fal"})
    assert (answer.status, answer.error_code) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"] == [{"field": "provider", "message": "Must be one of: openai_compatible."}]
