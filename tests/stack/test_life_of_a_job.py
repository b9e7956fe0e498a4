"""A job from prompt to video in the deployed system."""

import time
import urllib.request
from pathlib import Path

import pytest

from localcloud.stack import Stack
from tests.stack.client import User
from videojobs_media.inspect import inspect_video


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_job_produces_a_video_of_the_requested_shape_and_length(user: User, tmp_path: Path) -> None:
    job_id = user.submit(prompt="Two snails race to the moon", style="fun", duration=2.5, aspectRatio="9:16")

    job = user.wait(job_id)

    assert job["status"] == "completed", job
    saved = tmp_path / "video.mp4"
    with urllib.request.urlopen(job["videoUrl"], timeout=30) as response:
        saved.write_bytes(response.read())
    facts = inspect_video(saved)
    assert (facts.width, facts.height) == (720, 1280)
    assert facts.seconds == pytest.approx(2.5, abs=1 / 24)
    assert (facts.codec, facts.pixel_format, facts.faststart) == ("h264", "yuv420p", True)


@pytest.mark.writes
def test_another_user_can_not_read_the_job(user: User, stranger: User) -> None:
    job_id = user.submit()

    response = stranger.call("GET", f"/api/videos/{job_id}")

    assert (response.status, response.error_code) == (403, "FORBIDDEN")
    assert user.wait(job_id)["status"] == "completed"


@pytest.mark.reads
def test_expired_token_is_rejected(user: User) -> None:
    response = user.call("GET", f"/api/videos/{'0' * 24}", token=user.token(seconds=-1))

    assert (response.status, response.error_code) == (401, "TOKEN_EXPIRED")


def test_functions_never_lack_a_permission(stack: Stack, user: User) -> None:
    # The local system enforces IAM as AWS does: a complete job without AccessDenied in any log lacks no permission.
    # Earlier log lines are ignored, as the tests of outages send to a queue that no policy allows.
    import boto3

    since = int(time.time() * 1000)
    job_id = user.submit(style="background")
    assert user.wait(job_id)["status"] == "completed"

    logs = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1").client(
        "logs", endpoint_url=stack.aws_endpoint_url
    )
    prefix = f"/videojobs/{stack.stack_name}/"
    groups = [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]]
    messages = [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        for event in page["events"]
    ]
    assert any(job_id in message for message in messages)
    assert [message for message in messages if "AccessDenied" in message] == []
