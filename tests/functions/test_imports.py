"""The imports of functions, which determine the duration of a cold start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


HEAVY = {"boto3", "botocore.auth", "botocore.exceptions", "botocore.session", "aws_xray_sdk"}


def run(code: str, **variables: str) -> str:
    environment = (
        os.environ | {"PYTHONPATH": f"{ROOT / 'layers' / 'common'}:{ROOT / 'layers' / 'providers'}:{ROOT}"} | variables
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def imported_by(name: str) -> set[str]:
    return set(run(f"import sys, functions.{name}.app; print(*sys.modules)").split())


@pytest.mark.parametrize("name", ["status", "jobs"])
def test_a_function_that_parses_no_body_starts_without_pydantic(name: str) -> None:
    modules = imported_by(name)
    assert "videojobs.api.views" in modules
    assert not modules & {"pydantic", "pydantic_core", "videojobs.api.schemas", *HEAVY}


def test_generate_starts_with_pydantic_and_without_boto3() -> None:
    modules = imported_by("generate")
    assert "pydantic" in modules
    assert not modules & HEAVY


def test_exactly_the_functions_whose_start_no_user_waits_for_create_the_clients_of_boto3_at_init() -> None:
    code = """
import importlib
from videojobs import bootstrap
for name in ("callbacks", "notifier", "reconciler", "render", "webhooks", "worker"):
    importlib.import_module(f"functions.{name}.app")
    if bootstrap._Clients.are_boto3:
        print(name, type(bootstrap._sqs()).__module__)
    bootstrap._Clients.are_boto3 = False
"""
    variables = {"AWS_LAMBDA_FUNCTION_NAME": "any", "MONGODB_SECRET_ARN": "arn", "AWS_REGION": "us-east-1"}
    made = [f"{name} botocore.client" for name in ("callbacks", "reconciler", "render", "webhooks")]
    assert run(code, **variables).splitlines() == made
