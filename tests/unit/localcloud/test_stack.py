"""The file `stack.json`, which describes the running local system."""

import json
import stat
from copy import replace
from pathlib import Path

import pytest

from localcloud.config import CloudConfig
from localcloud.deployment import DeployedStack
from localcloud.errors import LocalCloudError
from localcloud.stack import Stack

WEB_URL = "http://127.0.0.1:4570/"
DEPLOYED = DeployedStack(
    status="CREATE_COMPLETE",
    fingerprint="",
    outputs={
        "ApiUrl": "https://abc123.execute-api.us-east-1.amazonaws.com/local",
        "JobsQueueUrl": "http://localhost:4566/000000000000/jobs",
        "DeadLetterQueueUrl": "http://localhost:4566/000000000000/dead",
        "VideosBucketName": "videos",
        "WorkerFunctionName": "videojobs-Worker-1",
    },
    parameters={"CookieName": "session"},
)


@pytest.fixture
def config(tmp_path: Path) -> CloudConfig:
    return CloudConfig(root=tmp_path, state=tmp_path)


def stack_of(deployed: DeployedStack, config: CloudConfig) -> Stack:
    return Stack.of(
        deployed,
        stack_name=config.stack_name,
        endpoint_url="http://127.0.0.1:4567",
        web_url=WEB_URL,
        mongo_uri="mongodb://127.0.0.1:27117/videojobs",
        secret="s3cret",
    )


def test_the_file_has_the_documented_fields(config: CloudConfig) -> None:
    stack_of(DEPLOYED, config).write(config)

    assert json.loads(config.stack_file.read_text()) == {
        "apiUrl": "http://127.0.0.1:4567/_aws/execute-api/abc123/local",
        "webUrl": WEB_URL,
        "wsUrl": None,
        "mongoUri": "mongodb://127.0.0.1:27117/videojobs",
        "awsEndpointUrl": "http://127.0.0.1:4567",
        "stackName": "videojobs",
        "cookieName": "session",
        "jwtSecret": "s3cret",
        "queues": {
            "jobs": "http://localhost:4566/000000000000/jobs",
            "deadLetter": "http://localhost:4566/000000000000/dead",
        },
        "bucket": "videos",
        "functions": {"worker": "videojobs-Worker-1"},
    }


def test_a_written_stack_is_read_back_unchanged(config: CloudConfig) -> None:
    written = stack_of(DEPLOYED, config)
    written.write(config)

    assert Stack.read(config) == written


def test_the_file_can_be_read_only_by_its_owner(config: CloudConfig) -> None:
    stack = stack_of(DEPLOYED, config)
    stack.write(config)

    assert stat.S_IMODE(config.stack_file.stat().st_mode) == 0o600
    assert "s3cret" not in repr(stack)


def test_a_websocket_api_is_reached_by_its_local_address(config: CloudConfig) -> None:
    with_socket = replace(
        DEPLOYED,
        outputs={**DEPLOYED.outputs, "WebSocketUrl": "wss://ws9.execute-api.us-east-1.amazonaws.com/local"},
    )

    assert stack_of(with_socket, config).ws_url == "ws://127.0.0.1:4567/_aws/execute-api/ws9/local"


def test_an_api_url_outside_aws_is_refused(config: CloudConfig) -> None:
    elsewhere = replace(DEPLOYED, outputs={**DEPLOYED.outputs, "ApiUrl": "https://api.example.com"})

    with pytest.raises(LocalCloudError, match=r"api\.example\.com is not the address"):
        stack_of(elsewhere, config)


def test_a_missing_stack_file_is_reported_with_the_command_to_run(config: CloudConfig) -> None:
    with pytest.raises(LocalCloudError, match="make up"):
        Stack.read(config)


@pytest.mark.parametrize(
    ("status", "stuck"),
    [
        ("CREATE_COMPLETE", False),
        ("UPDATE_ROLLBACK_COMPLETE", False),
        ("ROLLBACK_COMPLETE", True),
        ("UPDATE_IN_PROGRESS", True),
        ("REVIEW_IN_PROGRESS", True),
    ],
)
def test_a_stack_that_cannot_be_updated_is_stuck(*, status: str, stuck: bool) -> None:
    assert replace(DEPLOYED, status=status).is_stuck is stuck


def test_the_urls_on_aws_are_those_of_the_outputs() -> None:
    stack = Stack.of(DEPLOYED, stack_name="videojobs-dev", endpoint_url="", web_url="", mongo_uri="", secret="")

    assert stack.api_url == DEPLOYED.outputs["ApiUrl"]


def test_the_repr_shows_no_secret(config: CloudConfig) -> None:
    text = repr(stack_of(DEPLOYED, config))

    assert "s3cret" not in text
    assert "mongodb://" not in text
