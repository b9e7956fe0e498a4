"""The imports of functions, which determine the duration of a cold start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported_by(name: str, **variables: str) -> set[str]:
    code = f"import sys, functions.{name}.app; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'layers' / 'common'}:{ROOT}"} | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ["status", "jobs"])
def test_a_function_that_parses_no_body_starts_without_pydantic(name: str) -> None:
    modules = imported_by(name)
    assert "videojobs.api.views" in modules
    assert not modules & {"pydantic", "pydantic_core", "videojobs.api.schemas", "boto3", "aws_xray_sdk"}


def test_generate_starts_with_pydantic_and_without_boto3() -> None:
    modules = imported_by("generate")
    assert "pydantic" in modules
    assert not modules & {"boto3", "aws_xray_sdk"}


@pytest.mark.parametrize("name", ["render", "webhooks", "callbacks", "reconciler"])
def test_a_function_for_which_no_user_waits_creates_the_clients_of_boto3_at_init(name: str) -> None:
    variables = {"AWS_LAMBDA_FUNCTION_NAME": name, "MONGODB_SECRET_ARN": "arn", "AWS_REGION": "us-east-1"}
    assert "boto3" in imported_by(name, **variables)


@pytest.mark.parametrize("name", ["generate", "status", "jobs", "realtime", "worker", "notifier"])
def test_a_function_for_which_users_wait_starts_without_botocore(name: str) -> None:
    modules = imported_by(name, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    assert not modules & {"boto3", "botocore.auth", "botocore.client", "botocore.exceptions", "botocore.session"}
