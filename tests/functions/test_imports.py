"""The imports of functions, which determine the duration of a cold start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


QUEUES = ("JOBS", "HIGH_JOBS", "RENDER", "HIGH_RENDER", "EVENTS")
ON_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "any",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "MONGODB_SECRET_ARN": "arn",
    "PROVIDER": "sketch",
    "VIDEOS_BUCKET": "any",
    **{f"{name}_QUEUE_URL": f"http://127.0.0.1:1/{name}" for name in QUEUES},
}
"""Environment variables of a function on Lambda. No server responds."""
HEAVY = {"boto3", "botocore.auth", "botocore.exceptions", "botocore.session", "aws_xray_sdk"}


def run(code: str, **variables: str) -> str:
    paths = [ROOT, *(ROOT / "layers" / name for name in ("common", "media", "providers"))]
    environment = os.environ | {"PYTHONPATH": ":".join(map(str, paths))} | variables
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
    made = [f"{name} botocore.client" for name in ("callbacks", "reconciler", "render", "webhooks")]
    assert [line for line in run(code, **ON_LAMBDA).splitlines() if not line.startswith("{")] == made


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("worker", {"videojobs.adapters.sqs", "videojobs.adapters.s3", "videojobs.services.route_provider"}),
        ("render", {"videojobs.adapters.sqs", "videojobs.adapters.s3", "videojobs_sketch", "av", "PIL.Image"}),
    ],
)
def test_functions_that_run_steps_import_all_that_a_step_needs_at_init(name: str, needed: set[str]) -> None:
    *_, modules = run(f"import sys, functions.{name}.app; print(*sys.modules)", **ON_LAMBDA).splitlines()
    assert needed <= set(modules.split())
